/** Counts a request of a key against its rate. */
export interface RateLimiter {
  limit(of: { key: string }): Promise<{ success: boolean }>;
}

/** Keys that are counted at once; a flood of others must not fill the memory. */
const MAX_KEYS = 5_000;
/** After a refusal the platform is not asked for this long. */
const REFUSED_MS = 1_000;

/**
 * Counts in memory and asks the platform once for `weight` requests of a key: asking for each would
 * cost as much as the rest of a submit. A key may so make up to `weight` requests more in each
 * place that serves it.
 */
export const createRateLimiter = ({
  limiter,
  weight,
  now,
}: {
  limiter: RateLimiter;
  weight: number;
  now: () => number;
}): RateLimiter => {
  const counted = new Map<string, { count: number; refusedUntil: number }>();
  return {
    async limit({ key }) {
      if (counted.size > MAX_KEYS) counted.clear();
      const own = counted.get(key) ?? { count: 0, refusedUntil: -Infinity };
      counted.set(key, own);
      if (now() < own.refusedUntil) return { success: false };
      own.count += 1;
      if (own.count % weight !== 0) return { success: true };
      const { success } = await limiter.limit({ key });
      if (!success) own.refusedUntil = now() + REFUSED_MS;
      return { success };
    },
  };
};
