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

/** Counts by key within a minute, which begins with the first. */
const createTally = (now: () => number) => {
  const counted = new Map<string, { count: number; endsAt: number }>();
  return {
    /** How much is counted now. */
    read: (key: string): number => {
      const own = counted.get(key);
      return own && now() < own.endsAt ? own.count : 0;
    },
    add(key: string, units: number): void {
      const own = counted.get(key);
      if (own && now() < own.endsAt) return void (own.count += units);
      if (counted.size > MAX_KEYS) counted.clear();
      counted.set(key, { count: units, endsAt: now() + MINUTE_MS });
    },
  };
};

const MINUTE_MS = 60_000;

/**
 * Asks the platform for each unit of a budget, but for none where so many are known not to be left:
 * what is refused as a whole spends nothing.
 * @param most units a minute
 */
export const createBudgetLimiter = ({
  limiter,
  most,
  now,
}: {
  limiter: RateLimiter;
  most: number;
  now: () => number;
}): RateLimiter => {
  const tally = createTally(now);
  return {
    async limit({ key, units = 1 }) {
      if (tally.read(key) + units > most) return { success: false };
      tally.add(key, units);
      for (let i = 0; i < units; i += 1)
        if (!(await limiter.limit({ key })).success) return { success: false };
      return { success: true };
    },
  };
};

/** The platform's limiter below counts this many a minute. */
const UNITS_A_MINUTE = 60;

/**
 * Holds a key to a rate of its own: exactly in this place, and about over all places, where the
 * platform counts many of its requests as one, or one as many.
 * @param limiter one that lets through 60 a minute
 */
export const createKeyLimiter = ({ limiter, now }: { limiter: RateLimiter; now: () => number }) => {
  const tally = createTally(now);
  const byWeight = new Map<number, RateLimiter>();
  const findLimiter = (weight: number): RateLimiter => {
    const found = byWeight.get(weight) ?? createRateLimiter({ limiter, weight, now });
    byWeight.set(weight, found);
    return found;
  };
  return async (keyId: string, perMinute: number): Promise<boolean> => {
    if (tally.read(keyId) >= perMinute) return false;
    tally.add(keyId, 1);
    const weight = Math.ceil(perMinute / UNITS_A_MINUTE);
    const units = Math.max(1, Math.floor(UNITS_A_MINUTE / perMinute));
    for (let i = 0; i < units; i += 1)
      if (!(await findLimiter(weight).limit({ key: `own:${keyId}` })).success) return false;
    return true;
  };
};
