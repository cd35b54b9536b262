/** The platform's rate limiter, as far as it is used. */
interface Limiter {
  limit(of: { key: string }): Promise<{ success: boolean }>;
}

/** Keys that are counted at once; a flood of others must not fill the memory. */
const MAX_KEYS = 5_000;
/** After a refusal nobody asks for so long. */
const REFUSED_MS = 1_000;

/**
 * Counts in memory and asks the platform once for `weight` requests of a key: asking for each would cost as much as the
 * rest of a submit. A key may so make up to `weight` requests more in each place that serves it.
 */
export const createRateLimiter = ({
  limiter,
  weight,
  now,
}: {
  limiter: Limiter;
  weight: number;
  now: () => number;
}): Limiter => {
  const counted = new Map<string, { count: number; refusedUntil: number }>();
  return {
    async limit({ key }) {
      if (counted.size > MAX_KEYS) counted.clear();
      const mine = counted.get(key) ?? { count: 0, refusedUntil: -Infinity };
      counted.set(key, mine);
      if (now() < mine.refusedUntil) return { success: false };
      mine.count += 1;
      if (mine.count % weight !== 0) return { success: true };
      const { success } = await limiter.limit({ key });
      if (!success) mine.refusedUntil = now() + REFUSED_MS;
      return { success };
    },
  };
};
