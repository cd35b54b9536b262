import * as z from 'zod';
import { AppError } from './domain/errors.ts';
import { findUrlProblem } from './domain/outgoing.ts';
import { isDevelopment, settingsFields } from './settings/fields.ts';

const settingsSchema = z
  .object(settingsFields)
  .refine(
    ({ UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token }) =>
      (url === undefined) === (token === undefined),
    {
      path: ['UPSTASH_REDIS_REST_TOKEN'],
      message: 'The URL and the token go together',
    },
  )
  .refine(
    ({ FAILURE_WEBHOOK_URL: url, WEBHOOK_SECRETS: secrets }) =>
      url === undefined || secrets.length > 0,
    {
      path: ['WEBHOOK_SECRETS'],
      message: 'FAILURE_WEBHOOK_URL is signed with it',
    },
  )
  .superRefine(({ FAILURE_WEBHOOK_URL: url, CALLBACK_HOSTS: hosts }, context) => {
    const message =
      url === undefined ? null : findUrlProblem(url, { allowedHosts: isDevelopment ? hosts : [] });
    if (message !== null)
      context.addIssue({ code: 'custom', path: ['FAILURE_WEBHOOK_URL'], message });
  })
  .refine(({ FAILURE_EMAIL_TO: to, EMAIL_FROM: from }) => to === undefined || from !== undefined, {
    path: ['EMAIL_FROM'],
    message: 'FAILURE_EMAIL_TO needs a sender',
  });

export type Settings = z.output<typeof settingsSchema>;

/**
 * Reads the settings out of the Worker's environment; throws `misconfigured` with the names of
 * those that are wrong.
 */
export const readSettings = (env: unknown): Settings => {
  const parsed = settingsSchema.safeParse(env);
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new AppError(
    'misconfigured',
    `Settings are wrong, see docs/configuration.md: ${wrong.join('; ')}`,
  );
};
