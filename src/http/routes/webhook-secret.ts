import { Hono } from 'hono';
import * as z from 'zod';
import { WEBHOOK_OVERLAP_MS } from '../../domain/delivery.ts';
import { deriveWebhookSecret } from '../../domain/derived-secret.ts';
import { AppError } from '../../domain/errors.ts';
import { createOwnerStore, type OwnerRow } from '../../store/owners.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { time, toIso } from '../fields.ts';
import { docs } from '../middleware/docs.ts';
import { limit } from '../middleware/limit.ts';
import { scope } from '../middleware/scope.ts';
import { orUnavailable } from '../read-task.ts';
import { recordAudit } from '../record-audit.ts';

const webhookSecretSchema = z
  .strictObject({
    secret: z
      .string()
      .meta({ description: 'What callbacks are signed with, as Standard Webhooks has it' }),
    previous: z
      .strictObject({ secret: z.string(), until: time })
      .nullable()
      .meta({ description: 'The one before, which callbacks are signed with as well until then' }),
  })
  .meta({ id: 'WebhookSecret' });

const toView = async (c: AppContext, row: OwnerRow) => {
  const { settings, now } = c.get('services');
  const { ROOT_SECRET: root } = settings;
  if (root === undefined) {
    const message =
      'This service has no ROOT_SECRET to derive a secret from; npm run deploy sets it';
    throw new AppError('callbacks_not_configured', message);
  }
  const { owner, webhook_version: version, webhook_rotated_at: rotatedAt } = row;
  const until = (rotatedAt ?? 0) + WEBHOOK_OVERLAP_MS;
  const hasPrevious = version > 0 && now() < until;
  return {
    secret: await deriveWebhookSecret(root, owner, version),
    previous: hasPrevious
      ? { secret: await deriveWebhookSecret(root, owner, version - 1), until: toIso(until) }
      : null,
  };
};

const SECRET = {
  tag: 'Operations',
  answers: { 200: { description: 'The secret', body: webhookSecretSchema } },
  errors: ['callbacks_not_configured'],
} as const;

/** `/webhook-secret`: what the callbacks of the owner's tasks are signed with. */
export const webhookSecretRoutes = new Hono<AppEnv>()
  .get(
    '/',
    docs({
      ...SECRET,
      id: 'getWebhookSecret',
      summary: 'Get the secret that the callbacks of your tasks are signed with',
    }),
    scope('admin'),
    async (c) => {
      const owners = c.get('services').useStore(createOwnerStore);
      return c.json(await toView(c, await orUnavailable(c, () => owners.get(c.get('owner')))));
    },
  )

  .post(
    '/rotate',
    docs({
      ...SECRET,
      id: 'rotateWebhookSecret',
      summary: 'Let another secret begin; the one before is valid for a day more',
    }),
    scope('admin'),
    limit('writes'),
    async (c) => {
      const { useStore, now } = c.get('services');
      const owners = useStore(createOwnerStore);
      const owner = c.get('owner');
      const row = await orUnavailable(c, () => owners.rotateWebhookSecret(owner, now()));
      await recordAudit(c, 'webhook_secret.rotated', owner);
      return c.json(await toView(c, row));
    },
  );
