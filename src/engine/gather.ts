/**
 * After a group of this size the next one waits for more, for what a group costs hardly grows with
 * its size: …
 */
export const BUSY_GROUP = 4;
/** … for this many turns of the event loop in which none came, … */
const IDLE_TURNS = 4;
/** … and for this long at most. */
const GATHER_MS = 5;

export interface GatherDeps {
  now(): number;
  /** Resolves after `ms` milliseconds. */
  wait(ms: number): Promise<void>;
}

/** Waits for more, as long as more keep coming. @param count how many there are */
export const gather = async (
  count: () => number,
  most: number,
  { now, wait }: GatherDeps,
): Promise<void> => {
  const startedAt = now();
  const isWorthIt = (): boolean => count() < most && now() - startedAt < GATHER_MS;
  for (let idle = 0; idle < IDLE_TURNS && isWorthIt();) {
    const seen = count();
    await wait(0);
    idle = count() > seen ? 0 : idle + 1;
  }
};
