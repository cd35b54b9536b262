import { Hono } from 'hono';
import * as z from 'zod';
import { AppError } from '../../domain/errors.ts';
import { LANES } from '../../domain/words.ts';
import type { Handler } from '../../handlers/handler.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { anyJson, whole } from '../fields.ts';
import { docs } from '../middleware/docs.ts';
import { scope } from '../middleware/scope.ts';
import { noQuery } from '../middleware/validate.ts';

export const taskTypeSchema = z
  .strictObject({
    type: z.string(),
    aliases: z.array(z.string()),
    description: z.string(),
    lane: z.enum(LANES),
    retry: z.strictObject({
      max_attempts: whole,
      base_seconds: z.number(),
      max_seconds: z.number(),
    }),
    timeout_seconds: z.number(),
    cache_ttl_seconds: whole,
    reuse_seconds: whole,
    needs: z.array(z.string()),
    configured: z.boolean(),
    params: z.unknown().meta({ type: 'object', description: 'JSON Schema of the parameters' }),
    example: anyJson,
  })
  .meta({ id: 'TaskType' });
const taskTypeListSchema = z.strictObject({ task_types: z.array(taskTypeSchema) });

/** A type as it is declared; what its parameters decide is shown for the example. */
const toTypeView = (c: AppContext, handler: Handler) => {
  const { settings, findTtlSeconds } = c.get('services');
  const { maxAttempts, baseSeconds, maxSeconds } = handler.retry;
  return {
    type: handler.type,
    aliases: handler.aliases,
    description: handler.description,
    lane: handler.lane,
    retry: { max_attempts: maxAttempts, base_seconds: baseSeconds, max_seconds: maxSeconds },
    timeout_seconds: handler.timeoutMs(handler.params.parse(handler.example)) / 1_000,
    cache_ttl_seconds: findTtlSeconds(c.get('owner'), handler.type),
    reuse_seconds: handler.reuseSeconds ?? 0,
    needs: handler.needs,
    configured: handler.needs.every((name) => settings[name] !== undefined),
    params: z.toJSONSchema(handler.params, { io: 'input', unrepresentable: 'any' }),
    example: handler.example,
  };
};

const TYPES = { tag: 'Types and queues', isStatic: true } as const;

/** `/task-types`: what can be submitted. */
export const taskTypeRoutes = new Hono<AppEnv>()
  .get(
    '/',
    docs({
      ...TYPES,
      id: 'listTaskTypes',
      summary: 'What can be submitted',
      answers: { 200: { description: 'All task types', body: taskTypeListSchema } },
    }),
    scope('tasks:read'),
    noQuery(),
    (c) => {
      const handlers = c.get('services').catalog.list(c.get('owner'));
      return c.json({ task_types: handlers.map((handler) => toTypeView(c, handler)) });
    },
  )

  .get(
    '/:type',
    docs({
      ...TYPES,
      id: 'getTaskType',
      summary: 'One task type',
      params: { type: { description: 'A task type or one of its aliases' } },
      answers: { 200: { description: 'The type', body: taskTypeSchema } },
      errors: ['type_not_found'],
    }),
    scope('tasks:read'),
    (c) => {
      const { catalog } = c.get('services');
      const owner = c.get('owner');
      const handler = catalog.find(owner, c.req.param('type'));
      if (handler) return c.json(toTypeView(c, handler));
      const known = catalog.list(owner).map(({ type }) => type);
      const message = `No such task type. Known types: ${known.join(', ')}`;
      throw new AppError('type_not_found', message);
    },
  );
