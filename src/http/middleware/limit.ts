import { createMiddleware } from 'hono/factory';
import { AppError } from '../../domain/errors.ts';
import { RATES, type RateName } from '../../domain/rates.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { describeWith } from './docs.ts';

/**
 * Counts a request of a key against a rate, by the platform's own limiter, which counts in each
 * data centre for itself. 429 when it is used up. Without a key (on the developer's own machine)
 * nothing is limited.
 */
export const consumeRate = async (c: AppContext, name: RateName, units = 1): Promise<void> => {
  const { keyId, owner, writesPerMinute } = c.get('identity');
  if (keyId === null || units === 0) return;
  const { label, limit: usual, windowSeconds } = RATES[name];
  const isOwn = name === 'writes' && writesPerMinute !== null;
  const most = isOwn ? writesPerMinute : usual;
  const policy = `"${label}";q=${most};w=${windowSeconds}`;
  if (name !== 'reads') c.header('RateLimit-Policy', policy, { append: true });
  const { rates } = c.get('services');
  // What the operator pays for is counted by owner: more keys are no more budget.
  const key = name === 'metered' ? `owner:${owner}` : keyId;
  const { success } = await rates[name].limit({ key, ...(units !== 1 && { units }) });
  if (success && (!isOwn || (await rates.ofKey(keyId, most)))) return;
  throw new AppError(
    'rate_limited',
    `${name === 'metered' ? 'This owner' : 'This key'} may make ${most} such requests in ` +
      `${windowSeconds} s; try again in a moment`,
    {
      retryAfterSeconds: windowSeconds,
      headers: { 'RateLimit-Policy': policy, RateLimit: `"${label}";r=0;t=${windowSeconds}` },
    },
  );
};

/** Limits a route by a rate of the key that calls it. */
export const limit = (name: RateName) =>
  describeWith(
    createMiddleware<AppEnv>(async (c, next) => {
      await consumeRate(c, name);
      await next();
    }),
    { 'x-problems': ['rate_limited'] },
  );
