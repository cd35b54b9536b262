import { Hono } from 'hono';
import * as z from 'zod';
import { toTaskView } from '../../domain/view.ts';
import type { Status } from '../../domain/words.ts';
import type { AppEnv } from '../context.ts';
import { anyJson, parameters, time, timeOrNull, typeName } from '../fields.ts';
import { docs } from '../middleware/docs.ts';
import { limit } from '../middleware/limit.ts';
import { scope } from '../middleware/scope.ts';
import { json, query } from '../middleware/validate.ts';
import { readTask } from '../read-task.ts';
import { SUBMIT_ERRORS, submitTask } from '../submit-tasks.ts';

const OUTPUT_STATUSES = ['pending', 'running', 'completed', 'failed', 'cancelled'] as const;

const STATUS_WORDS: Record<Status, (typeof OUTPUT_STATUSES)[number]> = {
  NEW: 'pending',
  PENDING: 'pending',
  PAUSED: 'pending',
  IN_PROGRESS: 'running',
  COMPLETED: 'completed',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
};

const runTaskBody = z.strictObject({
  task_name: typeName,
  task_parameters: parameters.default({}),
});
const runTaskAnswer = z.strictObject({ task_uuid: z.uuid(), message: z.string() });
const outputQuery = z.strictObject({ task_uuid: z.uuid() });
const outputAnswer = z
  .strictObject({
    task_uuid: z.uuid(),
    task_name: z.string(),
    status: z.enum(OUTPUT_STATUSES),
    task_output: anyJson,
    error_message: z.string().nullable(),
    created_at: time,
    completed_at: timeOrNull,
  })
  .meta({ id: 'TaskOutput' });

/** `POST /run-task` and `GET /get-task-output`: an older API, as a thin adapter. */
export const runTaskRoutes = new Hono<AppEnv>()
  .post(
    '/run-task',
    docs({
      id: 'runTask',
      tag: 'Older APIs',
      summary: 'Submit a task',
      answers: { 202: { description: 'Stored', body: runTaskAnswer } },
      errors: SUBMIT_ERRORS,
      examples: { sum: { task_name: 'sum', task_parameters: { a: 5, b: 3 } } },
    }),
    scope('tasks:write'),
    limit('writes'),
    json(runTaskBody),
    async (c) => {
      const { task_name, task_parameters } = c.req.valid('json');
      const request = { type: task_name, params: task_parameters, priority: 'MEDIUM' as const };
      const fields = { type: 'task_name', params: 'task_parameters' };
      const { task } = await submitTask(c, request, { fields });
      return c.json({ task_uuid: task.id, message: 'Task submitted successfully' }, 202);
    },
  )

  .get(
    '/get-task-output',
    docs({
      id: 'getTaskOutput',
      tag: 'Older APIs',
      summary: 'Get the output of a task',
      answers: { 200: { description: 'What there is of it', body: outputAnswer } },
      errors: ['task_not_found'],
    }),
    scope('tasks:read'),
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
