import { Hono } from 'hono';
import { AppError } from '../../../domain/errors.ts';
import { isFinal } from '../../../domain/words.ts';
import { answerBody } from '../../body-stream.ts';
import type { AppEnv } from '../../context.ts';
import { anyJson } from '../../fields.ts';
import { docs } from '../../middleware/docs.ts';
import { scope } from '../../middleware/scope.ts';
import { readTask, readTaskId, TASK_ID } from '../../read-task.ts';
import { waitForCompletion } from './prefer.ts';

const BODY = {
  tag: 'Tasks',
  params: TASK_ID,
  headers: { 'If-None-Match': 'The ETag of what you have' },
} as const;
const ANSWERS = {
  200: { description: 'JSON, with its ETag', body: anyJson },
  304: { description: 'It is the one that `If-None-Match` names', body: null },
} as const;

/** Parameters and results by themselves, as streams: the only way to those of more than 1 MB. */
export const bodyRoutes = new Hono<AppEnv>()
  .get(
    '/:id/params',
    docs({
      ...BODY,
      id: 'getTaskParams',
      summary: 'Get the parameters of a task',
      answers: ANSWERS,
      errors: ['task_not_found', 'body_not_found', 'storage_unavailable'],
    }),
    scope('tasks:read'),
    async (c) => {
      const task = await readTask(c, readTaskId(c));
      return answerBody(c, task, task.params, `${task.id}-params-${task.attempt}`);
    },
  )
  .get(
    '/:id/result',
    docs({
      ...BODY,
      id: 'getTaskResult',
      summary: 'Get the result of a task',
      headers: {
        ...BODY.headers,
        Prefer: '`wait=N`: holds the answer back until the task is final, 25 seconds at most',
      },
      answers: ANSWERS,
      errors: ['task_not_found', 'body_not_found', 'task_unfinished', 'storage_unavailable'],
    }),
    scope('tasks:read'),
    async (c) => {
      const { task } = await waitForCompletion(c, await readTask(c, readTaskId(c)));
      if (!isFinal(task.status))
        throw new AppError('task_unfinished', `The task is ${task.status}, and has no result yet`);
      if (task.result === null)
        throw new AppError('body_not_found', `The task is ${task.status}, and has no result`);
      return answerBody(c, task, task.result, `${task.id}-result-${task.attempt}`);
    },
  );
