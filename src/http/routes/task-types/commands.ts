import { Hono } from 'hono';
import * as z from 'zod';
import { AppError } from '../../../domain/errors.ts';
import { FOR_EVER } from '../../../domain/registered-type.ts';
import type { AppEnv } from '../../context.ts';
import { whole } from '../../fields.ts';
import { docs } from '../../middleware/docs.ts';
import { limit } from '../../middleware/limit.ts';
import { scope } from '../../middleware/scope.ts';
import { json } from '../../middleware/validate.ts';
import { orUnavailable } from '../../read-task.ts';
import { recordAudit } from '../../record-audit.ts';
import { findRegistered } from './find-type.ts';
import { deriveOwnSecret } from './secret.ts';
import { taskTypeSchema, toTypeView } from './type-view.ts';

const NAME = {
  tag: 'Types and queues',
  params: { name: { description: 'The name of a type of yours' } },
  errors: ['type_built_in', 'type_not_found'],
} as const;
const ANSWER = { 200: { description: 'The type', body: taskTypeSchema } };

/** Test calls of an owner, a minute. */
const TESTS_A_MINUTE = 6;

/** Commands on a registered type. */
export const typeCommandRoutes = new Hono<AppEnv>()
  .post(
    '/:name/pause',
    docs({
      ...NAME,
      id: 'pauseTaskType',
      summary: 'Let no run of a type begin',
      answers: ANSWER,
      examples: { minute: { seconds: 60 } },
    }),
    scope('types:write'),
    limit('writes'),
    json(
      z.strictObject({
        seconds: z
          .number()
          .min(1)
          .max(31_536_000)
          .optional()
          .meta({ description: 'Unset: until it is resumed' }),
      }),
      { optional: true },
    ),
    async (c) => {
      const { type: name } = await findRegistered(c, c.req.param('name'));
      const { seconds } = c.req.valid('json');
      const { taskTypes, registry, now } = c.get('services');
      const owner = c.get('owner');
      const until = seconds === undefined ? FOR_EVER : Math.round(now() + seconds * 1_000);
      const row = await orUnavailable(c, () => taskTypes.pause(owner, name, until, now()));
      if (!row) throw new AppError('type_not_found', 'The type was deleted just now');
      await recordAudit(c, 'task_type.paused', owner, name);
      return c.json(toTypeView(c, registry.keep(row)));
    },
  )

  .post(
    '/:name/resume',
    docs({ ...NAME, id: 'resumeTaskType', summary: 'Let its runs begin again', answers: ANSWER }),
    scope('types:write'),
    limit('writes'),
    async (c) => {
      const { type: name } = await findRegistered(c, c.req.param('name'));
      const { taskTypes, registry, dispatcher, boards, now } = c.get('services');
      const owner = c.get('owner');
      await orUnavailable(c, () => dispatcher.ensureAlarmBy(now()));
      const row = await orUnavailable(c, () => taskTypes.resume(owner, name, now()));
      if (!row) throw new AppError('type_not_found', 'The type was deleted just now');
      c.executionCtx.waitUntil(boards.wakeWorkers(owner, name));
      await recordAudit(c, 'task_type.resumed', owner, name);
      return c.json(toTypeView(c, registry.keep(row)));
    },
  )

  .post(
    '/:name/secret/rotate',
    docs({
      ...NAME,
      id: 'rotateTypeSecret',
      summary: 'Let another secret begin; the one before signs as well for a day',
      answers: {
        200: {
          description: 'What requests to its endpoint are signed with; shown this once',
          body: z.strictObject({ secret: z.string() }),
        },
      },
      errors: [...NAME.errors, 'callbacks_not_configured'],
    }),
    scope('types:write'),
    limit('writes'),
    async (c) => {
      const { type: name, outside } = await findRegistered(c, c.req.param('name'));
      await deriveOwnSecret(c, outside.row);
      const { taskTypes, registry, now } = c.get('services');
      const owner = c.get('owner');
      const row = await orUnavailable(c, () => taskTypes.rotateSecret(owner, name, now()));
      if (!row) throw new AppError('type_not_found', 'The type was deleted just now');
      registry.keep(row);
      await recordAudit(c, 'task_type.secret_rotated', owner, name);
      return c.json({ secret: await deriveOwnSecret(c, row) });
    },
  )

  .post(
    '/:name/test',
    docs({
      ...NAME,
      id: 'testTaskType',
      summary: 'Send the example to an endpoint once, and tell what came back',
      description: 'No task is made. Six times a minute.',
      answers: {
        200: {
          description: 'What came back',
          body: z.strictObject({
            status: whole.nullable().meta({ description: 'Null: no answer' }),
            duration_ms: whole,
            answer: z.string().meta({ description: '2 KB at most, as text' }),
          }),
        },
      },
      errors: [...NAME.errors, 'rate_limited', 'callbacks_not_configured'],
    }),
    scope('types:write'),
    limit('writes'),
    async (c) => {
      const { outside, example } = await findRegistered(c, c.req.param('name'));
      if (outside.kind !== 'endpoint') {
        const message = `"${outside.row.name}" has no endpoint: its tasks wait for a ${outside.kind === 'worker' ? 'worker' : 'person'}`;
        throw new AppError('invalid_request', message);
      }
      const { rates, testEndpoint } = c.get('services');
      const { keyId } = c.get('identity');
      if (keyId !== null && !(await rates.ofKey(`test:${c.get('owner')}`, TESTS_A_MINUTE)))
        throw new AppError('rate_limited', 'Endpoints are tested six times a minute at most', {
          retryAfterSeconds: 60,
        });
      await deriveOwnSecret(c, outside.row);
      return c.json(await testEndpoint(outside, example));
    },
  );
