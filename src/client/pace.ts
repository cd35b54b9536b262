/** Runs that take less than this are quick. */
const QUICK_MS = 200;
/** Tasks of one call. */
const MAX_LEASED = 100;

/**
 * How many tasks a worker takes. Of quick ones as many again are leased ahead, so that none waits
 * for the way; of long ones none, for another worker may be idle.
 */
export const createPace = (concurrency: number) => {
  // Long at first, until it is known better.
  let usualMs = Infinity;
  return {
    note(ms: number): void {
      usualMs = Number.isFinite(usualMs) ? 0.9 * usualMs + 0.1 * ms : ms;
    },
    findMost: (): number =>
      Math.min(MAX_LEASED, usualMs < QUICK_MS ? 2 * concurrency : concurrency),
  };
};
