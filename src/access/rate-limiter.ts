/** Counts a request of a key against its rate. */
export interface RateLimiter {
  /** `units`: as many requests at once; unset: one. */
  limit(of: { key: string; units?: number }): Promise<{ success: boolean }>;
}

/** Keys that are counted at once; a flood of others must not fill the memory. */
const MAX_KEYS = 5_000;
/** After a refusal the platform is not asked for this long. */
const REFUSED_MS = 1_000;

interface Counted {
  count: number;
  refusedUntil: number;
  /** The platform has refused it last: it is asked again at the very next request. */
  isRefused: boolean;
}

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
  const counted = new Map<string, Counted>();
  return {
    async limit({ key, units = 1 }) {
      if (counted.size > MAX_KEYS) counted.clear();
      const own = counted.get(key) ?? { count: 0, refusedUntil: -Infinity, isRefused: false };
      counted.set(key, own);
      if (now() < own.refusedUntil) return { success: false };
      const before = own.count;
      own.count += units;
      const isAsked = Math.floor(own.count / weight) > Math.floor(before / weight);
      if (!own.isRefused && !isAsked) return { success: true };
      const { success } = await limiter.limit({ key });
      own.isRefused = !success;
      if (!success) own.refusedUntil = now() + REFUSED_MS;
      return { success };
    },
  };
};

/** The platform's limiter below counts this many a minute. */
const UNITS_A_MINUTE = 60;

/**
 * Holds a key to a rate of its own, about: many of its requests are counted as one, or one as many.
 * @param limiter one that lets through 60 a minute
 */
export const createKeyLimiter = ({ limiter, now }: { limiter: RateLimiter; now: () => number }) => {
  const byWeight = new Map<number, RateLimiter>();
  const findLimiter = (weight: number): RateLimiter => {
    const found = byWeight.get(weight) ?? createRateLimiter({ limiter, weight, now });
    byWeight.set(weight, found);
    return found;
  };
  return async (keyId: string, perMinute: number): Promise<boolean> => {
    const weight = Math.max(1, Math.round(perMinute / UNITS_A_MINUTE));
    const units = Math.max(1, Math.round(UNITS_A_MINUTE / perMinute));
    for (let i = 0; i < units; i += 1)
      if (!(await findLimiter(weight).limit({ key: `own:${keyId}` })).success) return false;
    return true;
  };
};
