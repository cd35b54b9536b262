import { Hono } from 'hono';
import * as z from 'zod';
import { describeError } from '../../../domain/errors.ts';
import type { AppEnv } from '../../context.ts';
import { toAllowedView } from '../../answer-task.ts';
import { docs } from '../../middleware/docs.ts';
import { limit } from '../../middleware/limit.ts';
import { scope } from '../../middleware/scope.ts';
import { json } from '../../middleware/validate.ts';
import { orUnavailable, readTaskId, TASK_ID } from '../../read-task.ts';
import { completion } from '../../run-end.ts';
import { taskSchema } from './task-schema.ts';

const END = {
  tag: 'Tasks',
  params: TASK_ID,
  answers: { 200: { description: 'The task', body: taskSchema } },
  errors: ['task_not_found', 'type_not_manual', 'task_finished', 'task_unfinished'],
} as const;

/** Ends of tasks that wait for a person. */
export const manualRoutes = new Hono<AppEnv>()
  .post(
    '/:id/complete',
    docs({
      ...END,
      id: 'completeTask',
      summary: 'Complete a task of a manual type',
      examples: { yes: { result: { approved: true } } },
    }),
    scope('tasks:write'),
    limit('writes'),
    json(completion, { optional: true }),
    async (c) => {
      const id = readTaskId(c);
      const { result } = c.req.valid('json');
      const { manual } = c.get('services');
      const task = await orUnavailable(c, () => manual.complete(c.get('owner'), id, result));
      return c.json(toAllowedView(c, task));
    },
  )
  .post(
    '/:id/fail',
    docs({
      ...END,
      id: 'failTask',
      summary: 'Fail a task of a manual type',
      examples: { no: { message: 'Not within the budget' } },
    }),
    scope('tasks:write'),
    limit('writes'),
    json(z.strictObject({ message: z.string().min(1) })),
    async (c) => {
      const id = readTaskId(c);
      const error = { code: 'rejected', message: describeError(c.req.valid('json').message) };
      const { manual } = c.get('services');
      const task = await orUnavailable(c, () => manual.fail(c.get('owner'), id, error));
      return c.json(toAllowedView(c, task));
    },
  );
