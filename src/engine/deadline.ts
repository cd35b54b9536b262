import { TimeoutError } from './outcome.ts';

/** The end of an attempt's time. */
export interface Deadline {
  /** Rejects at the timeout or when the lease is lost. */
  passed: Promise<never>;
  /** Aborts then too; a handler may not look at it. */
  signal: AbortSignal;
  clear(): void;
}

/** @param leaseLost aborts when the task is cancelled, deleted or taken back */
export const startDeadline = (timeoutMs: number, leaseLost: AbortSignal): Deadline => {
  const abort = new AbortController();
  let clear = (): void => {};
  const passed = new Promise<never>((_, reject) => {
    const end = (error: unknown): void => {
      reject(error);
      abort.abort(error);
    };
    const expire = (): void => end(new TimeoutError(`No result within ${timeoutMs / 1_000} s`));
    const timer = setTimeout(expire, timeoutMs);
    const lose = (): void => end(leaseLost.reason);
    leaseLost.addEventListener('abort', lose, { once: true });
    clear = () => {
      clearTimeout(timer);
      leaseLost.removeEventListener('abort', lose);
    };
  });
  return { passed, clear, signal: abort.signal };
};
