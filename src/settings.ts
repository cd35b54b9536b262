import * as z from 'zod';
import { AppError } from './domain/errors.ts';

const flag = (initial: boolean) =>
  z
    .enum(['true', 'false'])
    .default(initial ? 'true' : 'false')
    .transform((word) => word === 'true');

/**
 * Vars and secrets, their defaults and their meaning. The README's table is generated from this.
 * `NODE_ENV` is compiled in by wrangler: `development` under `wrangler dev`, `production` when deployed.
 */
export const settingsFields = {
  APP_ENV: z
    .string()
    .default(process.env.NODE_ENV ?? 'production')
    .meta({
      description: 'A name for this deployment, in every log line',
      default: '`development` locally, `production` deployed',
    }),
  AUTH: z.enum(['required', 'none']).default('required').meta({
    description:
      'Until API keys exist, a deployed service answers only `/health`; `none` opens it to everybody who can reach it, for use behind a gateway of your own. `wrangler dev` is always open',
  }),
  LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error'])
    .default('info')
    .meta({ description: 'The least level that is logged' }),
  LOG_JSON: flag(true).meta({ description: '`false` prints lines for people instead of JSON', default: '`true`' }),
  CACHE_TTL_SECONDS: z.coerce.number().int().min(0).max(31_536_000).default(3_600).meta({
    description: 'How long the output of a final task is cached, unless its type says otherwise; 0 caches nothing',
  }),
  RETENTION_DAYS: z.coerce.number().int().min(0).max(3_650).default(30).meta({
    description: 'Tasks are deleted this long after their end; 0 keeps them',
  }),
  LONG_TASK_SECONDS: z.coerce.number().int().min(1).max(600).default(30).meta({
    description: "A task with a longer timeout is run by a Workflow instead of its queue's consumer",
  }),
  UPSTASH_REDIS_REST_URL: z.url().optional().meta({
    description:
      'The REST address of an Upstash Redis. Without it outputs are cached by the Workers Cache API, which needs no set-up',
  }),
  UPSTASH_REDIS_REST_TOKEN: z.string().min(1).optional().meta({ description: 'Its token (a secret)' }),
  LOCATION_HINT: z.enum(['wnam', 'enam', 'sam', 'weur', 'eeur', 'apac', 'oc', 'afr', 'me']).optional().meta({
    description:
      'Where the Dispatcher object should live, near your database: `wnam`, `enam`, `sam`, `weur`, `eeur`, `apac`, `oc`, `afr` or `me`',
  }),
};

const settingsSchema = z
  .object(settingsFields)
  .refine(
    ({ UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token }) => (url === undefined) === (token === undefined),
    {
      path: ['UPSTASH_REDIS_REST_TOKEN'],
      message: 'The URL and the token go together',
    },
  );

export type Settings = z.output<typeof settingsSchema>;

/** Reads the settings out of the Worker's environment; throws `misconfigured` with the names of those that are wrong. */
export const readSettings = (env: unknown): Settings => {
  const parsed = settingsSchema.safeParse(env);
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new AppError('misconfigured', `Settings are wrong, see the README's table: ${wrong.join('; ')}`);
};
