/** Does work once for all requests that come within a while of the first. */
export interface Coalescer {
  /** Runs the work within `ms` milliseconds; a request that is waiting already stands. */
  request(delayMs: number): void;
  /** Does the work now, for whatever was requested. */
  runNow(): void;
  /** Drops what was requested. */
  cancel(): void;
}

/** @param work never throws; what it returns is not awaited */
export const createCoalescer = (work: () => void): Coalescer => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const cancel = (): void => {
    clearTimeout(timer);
    timer = undefined;
  };
  const runNow = (): void => {
    cancel();
    work();
  };
  return {
    request: (delayMs) => void (timer ??= setTimeout(runNow, delayMs)),
    runNow,
    cancel,
  };
};
