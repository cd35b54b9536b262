import { AppError } from '../domain/errors.ts';
import { RATES } from '../domain/rates.ts';
import type { AppContext } from './context.ts';

/**
 * Counts a request of a key against a rate, by the platform's own limiter, which counts in each data centre for itself.
 * 429 when it is used up. Without a key (on the developer's own machine) nothing is limited.
 */
export const limitRate = async (c: AppContext, name: keyof typeof RATES): Promise<void> => {
  const { keyId } = c.get('identity');
  if (keyId === null) return;
  const { limit, windowSeconds } = RATES[name];
  const policy = `"${name}";q=${limit};w=${windowSeconds}`;
  c.header('RateLimit-Policy', policy, { append: true });
  const { success } = await c.get('services').rates[name].limit({ key: keyId });
  if (success) return;
  throw new AppError(
    'rate_limited',
    `This key may make ${limit} such requests in ${windowSeconds} s; try again in a moment`,
    {
      retryAfterSeconds: windowSeconds,
      headers: { 'RateLimit-Policy': policy, RateLimit: `"${name}";r=0;t=${windowSeconds}` },
    },
  );
};
