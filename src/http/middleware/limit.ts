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
export const consumeRate = async (c: AppContext, name: RateName): Promise<void> => {
  const { keyId } = c.get('identity');
  if (keyId === null) return;
  const { label, limit: most, windowSeconds } = RATES[name];
  const policy = `"${label}";q=${most};w=${windowSeconds}`;
  c.header('RateLimit-Policy', policy, { append: true });
  const { success } = await c.get('services').rates[name].limit({ key: keyId });
  if (success) return;
  throw new AppError(
    'rate_limited',
    `This key may make ${most} such requests in ${windowSeconds} s; try again in a moment`,
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
