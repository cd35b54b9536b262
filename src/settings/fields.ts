import * as z from 'zod';
import { emailAddress } from '../domain/email-address.ts';
import { optional, httpUrl, words, flag, retentionRules } from './kinds.ts';

/** Decides defaults only; no caller of the service can change them by it. */
export const isDevelopment = process.env.NODE_ENV === 'development';

/** Known to everybody who reads this: signs nothing but what `wrangler dev` sends. */
const DEVELOPMENT_SECRET = 'whsec_dGFza2VyLWRldmVsb3BtZW50LXNlY3JldA==';
const DEVELOPMENT_ROOT = 'the-root-of-all-secrets-under-wrangler-dev';
const SECRET = /^whsec_(?=.{32,88}$)[A-Za-z0-9+/]+={0,2}$/;

/**
 * Vars and secrets, their defaults and their meaning. docs/configuration.md is generated from this.
 * `NODE_ENV` is compiled in by wrangler: `development` under `wrangler dev`, `production` when
 * deployed.
 */
export const settingsFields = {
  APP_ENV: z
    .string()
    .default(process.env.NODE_ENV ?? 'production')
    .meta({
      description: 'A name for this deployment, in every log line',
      default: '`development` locally, `production` deployed',
    }),
  AUTH: z.enum(['auto', 'required']).default('auto').meta({
    description:
      'Whether the service needs an API key: `auto` lets calls from this machine in without one, under `wrangler dev`, until the first key is made; `required` never does. A deployed service always needs a key',
  }),
  LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error'])
    .default('info')
    .meta({ description: 'The least level that is logged' }),
  LOG_JSON: flag(true).meta({
    description: '`false` prints lines for people instead of JSON',
    default: '`true`',
  }),
  CACHE_TTL_SECONDS: z.coerce.number().int().min(0).max(31_536_000).default(3_600).meta({
    description:
      'How long the output of a final task is cached, unless its type says otherwise; 0 caches nothing',
  }),
  SEARCH_INDEX: z.enum(['params', 'off']).default('params').meta({
    description:
      'Whether a search finds tasks by order numbers, addresses and the like in their parameters, whatever their age: each costs a row, 8 a task at most. `off` finds them among the newest tasks alone',
  }),
  RETENTION_DAYS: z.coerce.number().int().min(0).max(3_650).default(30).meta({
    description: 'Tasks are deleted this long after their end; 0 keeps them',
  }),
  RETENTION: retentionRules().meta({
    description:
      'How many days tasks are kept otherwise, by status, type or both, separated by commas: `FAILED=90,sum=1,sum.FAILED=7`; 0 keeps them',
  }),
  DATABASE_LIMIT_BYTES: z.coerce.number().int().min(1_000_000).default(10_000_000_000).meta({
    description:
      'How large the database may be: D1 gives 10 GB (500 MB on the free plan). From 70 % of it Tasker warns, from 95 % submits are answered with 507',
  }),
  PRUNE_WHEN_FULL: flag(false).meta({
    description:
      'Whether tasks that have ended are deleted, oldest first and whatever their retention, while the database is fuller than 85 %',
  }),
  ARCHIVE: flag(false).meta({
    description:
      'Whether what is pruned is kept in R2, as lines of JSON by owner and day: `GET /archive` lists it, `tasker restore` puts it back. Tasks of flows are not',
  }),
  MAX_UNFINISHED_TASKS: z.coerce.number().int().min(1).max(100_000_000).default(100_000).meta({
    description:
      'How many tasks of one owner may wait or run at a time, about; beyond it submits are answered with 429',
  }),
  MAX_STORED_MB: z.coerce.number().int().min(1).max(10_000).default(5_000).meta({
    description:
      'How many megabytes the tasks of one owner may take up, finished ones included, about; beyond it submits are answered with 429. When the database is nearly full, an owner may have a twentieth of it',
  }),
  MAX_FILES_MB: z.coerce.number().int().min(1).max(10_000_000).default(10_000).meta({
    description: 'How many megabytes the files of one owner may take up',
  }),
  LONG_TASK_SECONDS: z.coerce.number().int().min(1).max(600).default(30).meta({
    description:
      "A task with a longer timeout is run by a Workflow instead of its queue's consumer",
  }),
  UPSTASH_REDIS_REST_URL: z.url().optional().meta({
    description:
      'The REST address of an Upstash Redis. Without it outputs are cached by the Workers Cache API, which needs no set-up, for 5 s at most: a data centre does not hear what another one deletes',
  }),
  UPSTASH_REDIS_REST_TOKEN: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'Its token (a secret)' }),
  OPENAI_API_KEY: optional().meta({
    description: 'Key of the language model for `chatgpt` (a secret)',
  }),
  OPENAI_BASE_URL: httpUrl().default('https://api.openai.com/v1').meta({
    description: "The model's address: any service or gateway that speaks OpenAI's API",
  }),
  OPENAI_DEFAULT_MODEL: z.string().min(1).default('gpt-3.5-turbo').meta({
    description: 'The model asked when a task names none',
  }),
  ALLOWED_MODELS: words('', z.string().min(1))
    .transform((models) => (models.length > 0 ? models : undefined))
    .meta({
      description: 'The models that `chatgpt` may ask, separated by commas; unset: any',
      default: '–',
    }),
  MAX_TOKENS: z.coerce.number().int().min(1).max(1_000_000).optional().meta({
    description: 'Most tokens of one answer of `chatgpt`; also when a task names none',
  }),
  OPENWEATHER_API_KEY: optional().meta({
    description: 'Key of OpenWeatherMap for `weather` (a secret)',
  }),
  OPENWEATHER_BASE_URL: httpUrl()
    .default('https://api.openweathermap.org')
    .meta({ description: 'Its address' }),
  EMAIL_FROM: words(isDevelopment ? 'tasker@example.com' : '', emailAddress)
    .transform((senders) => (senders.length > 0 ? senders : undefined))
    .meta({
      description:
        'Addresses that mail may come from, separated by commas, the first being the usual one; your account must allow them',
      default: '`tasker@example.com` locally',
    }),
  EMAIL_REPLY_TO: words(
    '',
    z.string().regex(/^[^@\s]*@[^@\s]+$/, 'Expected an address or @domain'),
  ).meta({
    description:
      'Where replies to mails may go, besides the senders: addresses, or `@example.com` for all of a domain, separated by commas',
    default: '–',
  }),
  ROOT_SECRET: z
    .string()
    .min(32, 'Expected 32 characters at least')
    .optional()
    .transform((text) => text ?? (isDevelopment ? DEVELOPMENT_ROOT : undefined))
    .meta({
      description:
        'What every other secret of the service is derived from (a secret): that of each owner for callbacks, and those of tokens. `npm run deploy` makes one when there is none',
      default: 'a known one locally',
    }),
  WEBHOOK_SECRETS: words(
    isDevelopment ? DEVELOPMENT_SECRET : '',
    z.string().regex(SECRET, 'Expected whsec_ and 24 to 64 bytes in base64'),
  ).meta({
    description:
      'What the failures for FAILURE_WEBHOOK_URL are signed with (a secret): `whsec_…` as [Standard Webhooks](https://www.standardwebhooks.com) has it; several, separated by commas, while you change it. Callbacks of tasks are signed with the secret of their owner, see `GET /webhook-secret`',
    default: `\`${DEVELOPMENT_SECRET}\` locally`,
  }),
  CALLBACK_HOSTS: words('', z.string().min(1)).meta({
    description:
      'Under `wrangler dev` alone: hosts that callbacks may go to although they are not public, such as `localhost:9000`',
    default: '–',
  }),
  PUBLIC_URL: httpUrl().optional().meta({
    description:
      'Where the service is reached from outside, such as `https://tasks.example.com`: for links in what it sends',
    default: '–',
  }),
  CORS_ORIGINS: words('', z.url()).meta({
    description:
      'Origins whose pages may call this service and open streams, such as `https://app.example.com`, separated by commas',
    default: '–',
  }),
  FAILURE_WEBHOOK_URL: optional().meta({
    description: 'Receives every failure of a task, signed as callbacks are',
  }),
  FAILURE_EMAIL_TO: optional().pipe(emailAddress.optional()).meta({
    description:
      'Gets a mail about tasks that fail: the first at once, the others in digests, one in 10 minutes',
  }),
  LOCATION_HINT: z
    .enum(['wnam', 'enam', 'sam', 'weur', 'eeur', 'apac', 'oc', 'afr', 'me'])
    .optional()
    .meta({
      description:
        'Where the Dispatcher object should live, near your database: `wnam`, `enam`, `sam`, `weur`, `eeur`, `apac`, `oc`, `afr` or `me`',
    }),
};
