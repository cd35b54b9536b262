import type { Progress } from '../domain/frames.ts';
import { describeError } from '../domain/errors.ts';
import type { Task } from '../domain/task.ts';
import type { Logger } from '../log.ts';

/** Four calls a second at most, for all tasks that run together. */
const INTERVAL_MS = 250;
const MAX_NOTE_CHARS = 200;

export interface ProgressDeps {
  publish(owner: string, steps: Progress[]): Promise<void>;
  log: Logger;
}

/** What a handler reports, made sane. */
export const toProgress = ({ id, version }: Task, fraction: number, note?: string): Progress => ({
  task_id: id,
  version,
  fraction: Number.isFinite(fraction) ? Math.min(1, Math.max(0, fraction)) : 0,
  note: note?.slice(0, MAX_NOTE_CHARS).toWellFormed() ?? null,
});

/** Collects what running tasks report and passes on the newest of each. Best effort. */
export const createProgress = ({ publish, log }: ProgressDeps) => {
  let newest = new Map<string, { owner: string; step: Progress }>();
  let timer: ReturnType<typeof setTimeout> | undefined;

  const flush = async (): Promise<void> => {
    timer = undefined;
    if (newest.size === 0) return;
    timer = setTimeout(() => void flush(), INTERVAL_MS);
    const byOwner = Map.groupBy(newest.values(), ({ owner }) => owner);
    newest = new Map();
    try {
      await Promise.all(
        [...byOwner].map(([owner, list]) =>
          publish(
            owner,
            list.map(({ step }) => step),
          ),
        ),
      );
    } catch (error) {
      log.warn('progress_failed', { error: describeError(error) });
    }
  };

  return {
    report(owner: string, step: Progress): void {
      newest.set(step.task_id, { owner, step });
      // The first goes out at once, with whatever else is reported in the same turn.
      timer ??= setTimeout(() => void flush(), 0);
    },
    stop(): void {
      clearTimeout(timer);
      newest.clear();
    },
  };
};
