/** After this many failures in a row … */
const FAILURES_TO_OPEN = 5;
/** … nothing is asked for this long; then one trial decides. */
const OPEN_MS = 10_000;

export interface Breaker {
  /** Whether to ask now. While open, true once every `OPEN_MS`, for the trial. */
  mayTry(): boolean;
  isClosed(): boolean;
  countSuccess(): void;
  countFailure(): void;
}

/** Stops asking what is down, so that its time-out is not paid at every request. */
export const createBreaker = (now: () => number): Breaker => {
  let failuresInARow = 0;
  let nextTrialAt = 0;
  const isClosed = (): boolean => failuresInARow < FAILURES_TO_OPEN;
  return {
    isClosed,
    mayTry: () => {
      if (isClosed()) return true;
      if (now() < nextTrialAt) return false;
      nextTrialAt = now() + OPEN_MS;
      return true;
    },
    countSuccess: () => {
      failuresInARow = 0;
    },
    countFailure: () => {
      failuresInARow += 1;
      nextTrialAt = now() + OPEN_MS;
    },
  };
};
