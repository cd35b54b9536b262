import { createMiddleware } from 'hono/factory';
import { AppError } from '../domain/errors.ts';
import { readRunToken, type RunBearer } from '../domain/run-token.ts';
import { hasScope, parseScopes, parseTaskTypes } from '../domain/api-key.ts';
import type { AppContext, AppEnv } from './context.ts';
import { enterShard } from './enter-shard.ts';
import { orUnavailable } from './read-task.ts';
import { describeWith } from './middleware/docs.ts';

/** The service's own secret, without which there are no runs outside. */
export const requireRoot = (c: AppContext): string => {
  const { ROOT_SECRET: root } = c.get('services').settings;
  if (root !== undefined) return root;
  const message =
    'Runs outside have tokens, and this service has no ROOT_SECRET to sign them with; npm run deploy sets it';
  throw new AppError('callbacks_not_configured', message);
};

/** The run that a request speaks for; 401 when its token was not made here. */
export const readRun = async (c: AppContext, token: string): Promise<RunBearer> => {
  const run = await readRunToken(requireRoot(c), token);
  if (run) return run;
  throw new AppError('run_invalid', 'This is no token of a run: it comes with the task, as run_…');
};

/** The run whose token is the bearer of this request. */
export const findRun = (c: AppContext): Promise<RunBearer> =>
  readRun(c, /^Bearer +(\S+)$/i.exec(c.req.header('Authorization') ?? '')?.[1] ?? '');

/** Calls of one run, of each kind: what it says must not keep it from ending. */
const CALLS_A_MINUTE = 600;

/** Lets a request in whose bearer is the token of a run: of that run, and of nothing else. */
export const runAccess = (kind: 'run' | 'words' = 'run') =>
  describeWith(
    createMiddleware<AppEnv>(async (c, next) => {
      const { owner, id, attempt } = await findRun(c);
      const { rates } = c.get('services');
      if (!(await rates.ofKey(`${kind}:${id}:${attempt}`, CALLS_A_MINUTE)))
        throw new AppError('rate_limited', `A run may make ${CALLS_A_MINUTE} calls a minute`, {
          retryAfterSeconds: 10,
        });
      c.set('owner', owner);
      await enterShard(c, owner);
      await next();
    }),
    {
      'x-scope': 'run',
      security: [{ runToken: [] }],
      'x-problems': ['run_invalid', 'rate_limited', 'callbacks_not_configured', 'owner_moving'],
    },
  );

/**
 * The types that a run may submit tasks of, by the key that leased it; null: any. Throws where the
 * key may submit none: a token must not do more than its key.
 */
export const findChildTypes = async (
  c: AppContext,
  { keyId }: RunBearer,
): Promise<string[] | null> => {
  // An endpoint of the owner's, or a machine without keys.
  if (keyId === null) return null;
  const { keys, now } = c.get('services');
  const key = await orUnavailable(c, () => keys.get(keyId));
  const isOver = !key || key.revoked_at !== null || (key.expires_at ?? Infinity) <= now();
  if (isOver) throw new AppError('key_revoked', 'The key that leased this run is over');
  if (hasScope(parseScopes(key), 'tasks:write')) return parseTaskTypes(key);
  const message = 'To submit tasks from its runs a worker needs a key with the scope tasks:write';
  throw new AppError('scope_missing', message);
};
