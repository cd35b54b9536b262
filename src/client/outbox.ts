import { createDeferred } from './deferred.ts';
import { pause, TaskerError } from './request.ts';

/** How a run ended, as `POST /work` takes it; `size` in bytes, about. */
export interface RunResult {
  run: string;
  result?: unknown;
  error?: { code?: string; message: string };
  retry?: boolean;
  retry_after_seconds?: number;
  size: number;
}

/** Bytes and results of one call. */
const MAX_BYTES = 3_000_000;
const MAX_RESULTS = 1_000;

/** Results until the service has them: telling one twice does no harm, losing one would. */
export const createOutbox = (tell: (results: readonly RunResult[]) => Promise<unknown>) => {
  let waiting: RunResult[] = [];
  let isClosed = false;
  let added = createDeferred();

  const take = (): RunResult[] => {
    let bytes = 0;
    let count = 0;
    for (const { size } of waiting) {
      bytes += size;
      if (count > 0 && (bytes > MAX_BYTES || count >= MAX_RESULTS)) break;
      count += 1;
    }
    return waiting.splice(0, count);
  };
  const putBack = (results: readonly RunResult[]): void => {
    waiting = [...results, ...waiting];
    added.resolve();
  };

  return {
    /** What may be told now; whoever takes it tells it, or puts it back. */
    take,
    putBack,
    add(result: RunResult): void {
      waiting.push(result);
      added.resolve();
    },
    close(): void {
      isClosed = true;
      added.resolve();
    },

    /** Tells what nobody takes within `gatherMs`, until it is closed and all is told. */
    async run(gatherMs: number, onError: (error: unknown) => void): Promise<void> {
      for (let failures = 0; ;) {
        if (waiting.length === 0) {
          if (isClosed) return;
          added = createDeferred();
          await added.promise;
        }
        if (!isClosed) await pause(gatherMs);
        const results = take();
        if (results.length === 0) continue;
        try {
          await tell(results);
          failures = 0;
        } catch (error) {
          onError(error);
          // What the service refuses for good would be refused again.
          const isRefused =
            error instanceof TaskerError &&
            error.status < 500 &&
            ![408, 429].includes(error.status);
          if (isRefused || (isClosed && failures > 5)) continue;
          putBack(results);
          failures += 1;
          await pause(Math.min(10_000, 100 * 2 ** failures));
        }
      }
    },
  };
};
