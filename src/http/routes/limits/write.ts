import { Hono } from 'hono';
import * as z from 'zod';
import type { AuditAction } from '../../../domain/audit.ts';
import { refuseFields } from '../../../domain/field-errors.ts';
import { limitForm, limitKey, toLimitNumbers } from '../../../domain/limit.ts';
import { FOR_EVER } from '../../../domain/registered-type.ts';
import type { LimitCommands } from '../../../engine/limit-commands.ts';
import type { AppContext, AppEnv } from '../../context.ts';
import { docs } from '../../middleware/docs.ts';
import { limit } from '../../middleware/limit.ts';
import { scope } from '../../middleware/scope.ts';
import { json } from '../../middleware/validate.ts';
import { orUnavailable } from '../../read-task.ts';
import { recordAudit } from '../../record-audit.ts';
import { answerLimit, ONE } from './answer-limit.ts';
import { LIMIT_KEY } from './limit-view.ts';

/** Changes one, notes it in the audit log, and answers with how it stands then. */
const changeLimit = async (
  c: AppContext,
  action: AuditAction,
  change: (commands: LimitCommands, owner: string, key: string) => Promise<unknown>,
): Promise<string> => {
  const { limitCommands } = c.get('services');
  const [owner, key] = [c.get('owner'), c.req.param('key') ?? ''];
  await orUnavailable(c, () => change(limitCommands, owner, key));
  await recordAudit(c, action, owner, key);
  return key;
};

const pauseForm = z.strictObject({
  seconds: z
    .number()
    .min(1)
    .max(31_536_000)
    .optional()
    .meta({ description: 'Unset: until it is resumed' }),
});

/** Writing limits. */
export const limitWriteRoutes = new Hono<AppEnv>()
  .put(
    '/:key',
    docs({
      ...ONE,
      id: 'putLimit',
      summary: 'Make a limit, or give it other numbers',
      description:
        'What is left out is not limited. It holds at once, for tasks that wait too; what runs goes on. A ' +
        'limit with the name of a type holds for all tasks of that type that name no other.',
      errors: ['too_many_limits'],
      examples: {
        provider: { max_running: 10, rate: { count: 50, per_seconds: 1 } },
        tenants: { max_running: 20, sub: { max_running: 2 } },
      },
    }),
    scope('limits:write'),
    limit('writes'),
    json(limitForm),
    async (c) => {
      const parsed = limitKey.safeParse(c.req.param('key'));
      if (!parsed.success) {
        const message = parsed.error.issues[0]?.message ?? '';
        return refuseFields([{ in: 'path', path: 'key', code: 'invalid_key', message }]);
      }
      const numbers = toLimitNumbers(c.req.valid('json'));
      const key = await changeLimit(c, 'limit.changed', (commands, owner, name) =>
        commands.put(owner, name, numbers),
      );
      return answerLimit(c, key);
    },
  )

  .delete(
    '/:key',
    docs({
      id: 'deleteLimit',
      tag: 'Limits',
      summary: 'Delete a limit: what waits for it is let go',
      params: LIMIT_KEY,
      answers: { 204: { description: 'It is gone', body: null } },
      errors: ['limit_not_found'],
    }),
    scope('limits:write'),
    limit('writes'),
    async (c) => {
      await changeLimit(c, 'limit.deleted', (commands, owner, key) => commands.remove(owner, key));
      return c.body(null, 204);
    },
  )

  .post(
    '/:key/pause',
    docs({
      ...ONE,
      id: 'pauseLimit',
      summary: 'Let no task under a limit begin',
      errors: ['limit_not_found'],
      examples: { minute: { seconds: 60 } },
    }),
    scope('limits:write'),
    limit('writes'),
    json(pauseForm, { optional: true }),
    async (c) => {
      const { seconds } = c.req.valid('json');
      const { now } = c.get('services');
      const until = seconds === undefined ? FOR_EVER : Math.round(now() + seconds * 1_000);
      const key = await changeLimit(c, 'limit.paused', (commands, owner, name) =>
        commands.pause(owner, name, until),
      );
      return answerLimit(c, key);
    },
  )

  .post(
    '/:key/resume',
    docs({
      ...ONE,
      id: 'resumeLimit',
      summary: 'Let its tasks begin again',
      errors: ['limit_not_found'],
    }),
    scope('limits:write'),
    limit('writes'),
    async (c) => {
      const key = await changeLimit(c, 'limit.resumed', (commands, owner, name) =>
        commands.resume(owner, name),
      );
      return answerLimit(c, key);
    },
  );
