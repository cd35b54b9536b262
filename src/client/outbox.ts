import { createDeferred } from './deferred.ts';
import { pause, TaskerError } from './request.ts';

/** How a run ended, as `POST /work` takes it. */
export interface RunResult {
  run: string;
  result?: unknown;
  error?: { code?: string; message: string; stack?: string };
  snooze?: { seconds: number; checkpoint?: unknown };
  retry?: boolean;
  retry_after_seconds?: number;
}

/** An end that is to be told; `size` in bytes, about. */
export interface Letter {
  end: RunResult;
  size: number;
}

/** Bytes and results of one call. */
const MAX_BYTES = 3_000_000;
const MAX_RESULTS = 100;

/** Refusals of what was said, which would be refused again, and of no one else's results. */
export const isAboutContent = (error: unknown): boolean =>
  error instanceof TaskerError && [400, 413, 422].includes(error.status);

/** What is told instead of an end that the service does not take. */
const toRefused = ({ end: { run } }: Letter, error: unknown): Letter => {
  const message = `The service did not take this end of the run: ${(error as Error).message}`;
  const failure = { code: 'bad_result', message: message.slice(0, 2_000) };
  return { end: { run, error: failure, retry: false }, size: 8_000 };
};

/** Results until the service has them: telling one twice does no harm, losing one would. */
export const createOutbox = (tell: (letters: readonly Letter[]) => Promise<unknown>) => {
  let waiting: Letter[] = [];
  let isClosed = false;
  let added = createDeferred();

  const take = (): Letter[] => {
    let bytes = 0;
    let count = 0;
    for (const { size } of waiting) {
      bytes += size;
      if (count > 0 && (bytes > MAX_BYTES || count >= MAX_RESULTS)) break;
      count += 1;
    }
    return waiting.splice(0, count);
  };
  const putBack = (letters: readonly Letter[]): void => {
    waiting = [...letters, ...waiting];
    added.resolve();
  };

  /** One by one: what cannot be taken fails its own task, and nobody else's. */
  const tellEach = async (letters: readonly Letter[]): Promise<void> => {
    for (const [i, letter] of letters.entries()) {
      try {
        await tell([letter]).catch((error: unknown) => {
          if (!isAboutContent(error)) throw error;
          return tell([toRefused(letter, error)]);
        });
      } catch (error) {
        putBack(letters.slice(i));
        throw error;
      }
    }
  };

  return {
    tellEach,

    /** What may be told now; whoever takes it tells it, or puts it back. */
    take,
    putBack,
    add(letter: Letter): void {
      waiting.push(letter);
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
        const letters = take();
        if (letters.length === 0) continue;
        try {
          await tell(letters);
          failures = 0;
        } catch (error) {
          onError(error);
          if (isAboutContent(error)) {
            await tellEach(letters).catch(onError);
            continue;
          }
          // A key that was refused tells nothing any more.
          const isRefused = error instanceof TaskerError && [401, 403].includes(error.status);
          if (isRefused || (isClosed && failures > 5)) continue;
          putBack(letters);
          failures += 1;
          await pause(Math.min(10_000, 100 * 2 ** failures));
        }
      }
    },
  };
};
