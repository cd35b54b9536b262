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
  let isPlanned = false;

  const count = async (): Promise<void> => {
    countedAt = deps.now();
    // Only metrics miss it.
    await deps.count().catch(() => {});
  };

  return {
    count,

    /** Counts at once, or a moment after the last time: the last of many that come is counted. */
    async countSoon(): Promise<void> {
      if (isPlanned) return;
      isPlanned = true;
      const waitMs = countedAt + COUNT_MS - deps.now();
      if (waitMs > 0) await scheduler.wait(Math.min(waitMs, COUNT_MS));
      isPlanned = false;
      await count();
    },
  };
};
