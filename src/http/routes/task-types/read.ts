import { Hono } from 'hono';
import * as z from 'zod';
import type { AppEnv } from '../../context.ts';
import { toIso } from '../../fields.ts';
import { docs } from '../../middleware/docs.ts';
import { scope } from '../../middleware/scope.ts';
import { noQuery } from '../../middleware/validate.ts';
import { orUnavailable } from '../../read-task.ts';
import { findType } from './find-type.ts';
import { taskTypeSchema, toTypeView, typeDetailSchema } from './type-view.ts';

const TYPES = { tag: 'Types and queues' } as const;

/** What can be submitted. */
export const typeReadRoutes = new Hono<AppEnv>()
  .get(
    '/',
    docs({
      ...TYPES,
      id: 'listTaskTypes',
      summary: 'What can be submitted',
      answers: {
        200: {
          description: 'All task types: the built-in ones, and those that you registered',
          body: z.strictObject({ task_types: z.array(taskTypeSchema) }),
        },
      },
    }),
    scope('tasks:read'),
    noQuery(),
    async (c) => {
      const { builtInTypes, taskTypes, registry } = c.get('services');
      const rows = await orUnavailable(c, () => taskTypes.list(c.get('owner')));
      const handlers = [...builtInTypes, ...rows.map(registry.keep)];
      return c.json({ task_types: handlers.map((handler) => toTypeView(c, handler)) });
    },
  )

  .get(
    '/:name',
    docs({
      ...TYPES,
      id: 'getTaskType',
      summary: 'One task type, and who works for it',
      params: { name: { description: 'A task type or one of its aliases' } },
      answers: { 200: { description: 'The type', body: typeDetailSchema } },
      errors: ['type_not_found'],
    }),
    scope('tasks:read'),
    async (c) => {
      const handler = await findType(c, c.req.param('name'));
      const { boards } = c.get('services');
      const seen =
        handler.outside?.kind === 'worker'
          ? await boards.listWorkers(c.get('owner')).catch(() => [])
          : [];
      const workers = seen
        .filter(({ types }) => types.includes(handler.type))
        .toSorted((a, b) => b.seen_at - a.seen_at)
        .map(({ name, seen_at }) => ({ name, seen_at: toIso(seen_at) }));
      return c.json({ ...toTypeView(c, handler), workers });
    },
  );
