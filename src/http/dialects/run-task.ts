import { Hono } from 'hono';
import type { Status } from '../../domain/task.ts';
import { toTaskView } from '../../domain/view.ts';
import type { AppEnv } from '../context.ts';
import { describe } from '../openapi/operation.ts';
import { readTask } from '../read-task.ts';
import { runTaskAccepted, taskOutput } from '../responses.ts';
import { outputQuery, runTaskBody } from '../schemas.ts';
import { submit, SUBMIT_ERRORS } from '../submit.ts';
import { jsonBody, query } from '../validate.ts';

const STATUS_WORDS: Record<Status, string> = {
  NEW: 'pending',
  PENDING: 'pending',
  PAUSED: 'pending',
  IN_PROGRESS: 'running',
  COMPLETED: 'completed',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
};

/** `POST /run-task` and `GET /get-task-output`: an older API, as a thin adapter. */
export const runTask = new Hono<AppEnv>()
  .post(
    '/run-task',
    describe({
      id: 'runTask',
      access: 'tasks:write',
      tag: 'Older APIs',
      summary: 'Submit a task',
      answers: { 202: { description: 'Stored', body: runTaskAccepted } },
      errors: SUBMIT_ERRORS,
      examples: { sum: { task_name: 'sum', task_parameters: { a: 5, b: 3 } } },
    }),
    jsonBody(runTaskBody),
    async (c) => {
      const { task_name, task_parameters } = c.req.valid('json');
      const request = { type: task_name, params: task_parameters, priority: 'MEDIUM' as const };
      const { task } = await submit(c, request, { type: 'task_name', params: 'task_parameters' });
      return c.json({ task_uuid: task.id, message: 'Task submitted successfully' }, 202);
    },
  )

  .get(
    '/get-task-output',
    describe({
      id: 'getTaskOutput',
      access: 'tasks:read',
      tag: 'Older APIs',
      summary: 'Get the output of a task',
      answers: { 200: { description: 'What there is of it', body: taskOutput } },
      errors: ['task_not_found'],
    }),
    query(outputQuery),
    async (c) => {
      const task = await readTask(c, c.req.valid('query').task_uuid.toLowerCase());
      const { result, error, submitted_at, completed_at } = toTaskView(task);
      return c.json({
        task_uuid: task.id,
        task_name: task.alias ?? task.type,
        status: STATUS_WORDS[task.status],
        task_output: result,
        error_message: error?.message ?? null,
        created_at: submitted_at,
        completed_at,
      });
    },
  );
