import { Hono } from 'hono';
import * as z from 'zod';
import { AppError } from '../../domain/errors.ts';
import { findHandler, handlers, type Handler } from '../../handlers/catalog.ts';
import type { Services } from '../../wiring/services.ts';
import type { AppEnv } from '../context.ts';
import { describe } from '../openapi/operation.ts';
import { taskType, taskTypeList } from '../responses.ts';

/** A type as it is declared; what its parameters decide is told for the example. */
const viewOf = (handler: Handler, { settings, ttlSecondsOf }: Services) => ({
  type: handler.type,
  aliases: handler.aliases,
  description: handler.description,
  lane: handler.lane,
  retry: {
    max_attempts: handler.retry.maxAttempts,
    base_seconds: handler.retry.baseSeconds,
    max_seconds: handler.retry.maxSeconds,
  },
  timeout_seconds: handler.timeoutMs(handler.params.parse(handler.example)) / 1_000,
  cache_ttl_seconds: ttlSecondsOf(handler.type),
  reuse_seconds: handler.reuseSeconds ?? 0,
  needs: handler.needs,
  configured: handler.needs.every((name) => settings[name] !== undefined),
  params: z.toJSONSchema(handler.params, { io: 'input', unrepresentable: 'any' }),
  example: handler.example,
});

/** What can be submitted, generated from the registry. */
export const taskTypes = new Hono<AppEnv>()
  .get(
    '/',
    describe({
      id: 'listTaskTypes',
      access: 'tasks:read',
      tag: 'Types and queues',
      summary: 'What can be submitted',
      answers: { 200: { description: 'All task types', body: taskTypeList } },
      isStatic: true,
    }),
    (c) => c.json({ task_types: handlers.map((handler) => viewOf(handler, c.get('services'))) }),
  )

  .get(
    '/:type',
    describe({
      id: 'getTaskType',
      access: 'tasks:read',
      tag: 'Types and queues',
      summary: 'One task type',
      answers: { 200: { description: 'The type', body: taskType } },
      errors: ['type_not_found'],
      isStatic: true,
    }),
    (c) => {
      const handler = findHandler(c.req.param('type'));
      if (handler) return c.json(viewOf(handler, c.get('services')));
      const known = handlers.map(({ type }) => type).join(', ');
      throw new AppError('type_not_found', `No such task type. Known types: ${known}`);
    },
  );
