/** How often the streams are counted at most, while they come. */
const COUNT_MS = 1_000;

export interface StreamCountDeps {
  /** Tells the metrics how many streams are open. */
  count(): Promise<void>;
  now(): number;
}

/** Tells the metrics how many streams are open, but not of each that comes. */
export const createStreamCount = (deps: StreamCountDeps) => {
  let countedAt = -Infinity;

  const count = async (): Promise<void> => {
    countedAt = deps.now();
    // Only metrics miss it.
    await deps.count().catch(() => {});
  };

  return {
    count,

    /** Counts, unless it was done just now. */
    async countSoon(): Promise<void> {
      if (deps.now() - countedAt >= COUNT_MS) await count();
    },
  };
};
