import { createCoalescer } from '../domain/coalescer.ts';
import { describeError } from '../domain/errors.ts';
import type { Progress } from '../domain/frames.ts';
import type { Logger } from '../log.ts';
import { SLOW_AFTER_MS } from './heartbeat.ts';

/**
 * How often the board is called at most, for all tasks that run together, ms: while somebody
 * watches and while nobody does, and both once they have run for long.
 */
const INTERVALS = { watched: 250, unwatched: 1_000, watchedLong: 5_000, unwatchedLong: 10_000 };

export interface ProgressDeps {
  /** Tells whether anybody watches any of these. */
  publishProgress(owner: string, steps: Progress[]): Promise<boolean>;
  now(): number;
  log: Logger;
}

/** Collects what running tasks report and passes on the newest of each. Best effort. */
export const createProgressReporter = ({ publishProgress, now, log }: ProgressDeps) => {
  let newest = new Map<string, { owner: string; step: Progress }>();
  const startedAt = now();
  let isWatched = true;

  const getInterval = (): number => {
    const isLong = now() - startedAt >= SLOW_AFTER_MS;
    if (isLong) return isWatched ? INTERVALS.watchedLong : INTERVALS.unwatchedLong;
    return isWatched ? INTERVALS.watched : INTERVALS.unwatched;
  };

  const publish = async (): Promise<void> => {
    if (newest.size === 0) return;
    // Whatever is reported from now on waits for the interval.
    publishing.request(getInterval());
    const byOwner = Map.groupBy(newest.values(), ({ owner }) => owner);
    newest = new Map();
    try {
      const calls = [...byOwner].map(([owner, reports]) =>
        publishProgress(
          owner,
          reports.map(({ step }) => step),
        ),
      );
      isWatched = (await Promise.all(calls)).includes(true);
    } catch (error) {
      log.warn('progress_failed', { error: describeError(error) });
    }
  };
  const publishing = createCoalescer(() => void publish());

  return {
    report(owner: string, step: Progress): void {
      newest.set(step.task_id, { owner, step });
      // The first is published at once, with whatever else is reported in the same turn.
      publishing.request(0);
    },
    stop(): void {
      publishing.cancel();
      newest.clear();
    },
  };
};
