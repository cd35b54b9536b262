import { Hono } from 'hono';
import * as z from 'zod';
import { AppError } from '../../../domain/errors.ts';
import { signTaskToken } from '../../../domain/task-token.ts';
import type { AppEnv } from '../../context.ts';
import { time, toIso } from '../../fields.ts';
import { docs } from '../../middleware/docs.ts';
import { limit } from '../../middleware/limit.ts';
import { scope } from '../../middleware/scope.ts';
import { json } from '../../middleware/validate.ts';
import { readTask, readTaskId, TASK_ID } from '../../read-task.ts';

const MAX_SECONDS = 86_400;

const tokenSchema = z
  .strictObject({
    token: z.string().meta({ description: 'Sent as `Authorization: Bearer …`' }),
    expires_at: time,
  })
  .meta({ id: 'TaskToken' });
const newToken = z.strictObject({
  expires_in_seconds: z.int().min(1).max(MAX_SECONDS).default(3_600),
});

/** Tokens by which a browser reads one task, and nothing else. */
export const tokenRoutes = new Hono<AppEnv>().post(
  '/:id/token',
  docs({
    id: 'createTaskToken',
    tag: 'Tasks',
    summary: 'Get a token for a browser, which reads this task and its stream alone',
    description:
      'It ends with the key that made it, and cannot be revoked otherwise. A stream is read with it ' +
      'by `fetch`: `Accept: text/event-stream`.',
    params: TASK_ID,
    answers: { 201: { description: 'The token', body: tokenSchema } },
    errors: ['task_not_found', 'misconfigured'],
    examples: { hour: { expires_in_seconds: 3_600 } },
  }),
  scope('tasks:read'),
  limit('writes'),
  json(newToken, { optional: true }),
  async (c) => {
    const { settings, now } = c.get('services');
    const { ROOT_SECRET: root } = settings;
    if (root === undefined) {
      const message = 'This service has no ROOT_SECRET to sign tokens with; npm run deploy sets it';
      throw new AppError('misconfigured', message);
    }
    const task = await readTask(c, readTaskId(c));
    const { keyId, expiresAt: keyExpiresAt, owner, taskId } = c.get('identity');
    if (taskId !== null) throw new AppError('scope_missing', 'A token makes no other token');
    const wanted = now() + c.req.valid('json').expires_in_seconds * 1_000;
    const expiresAt = Math.min(wanted, keyExpiresAt ?? Infinity);
    const token = await signTaskToken(root, { owner, taskId: task.id, keyId, expiresAt });
    return c.json({ token, expires_at: toIso(expiresAt) }, 201);
  },
);
