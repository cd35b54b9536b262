import type { Progress } from '../announce/frames.ts';
import { messageOf } from '../domain/errors.ts';
import type { Task } from '../domain/task.ts';
import type { Logger } from '../log.ts';

/** Four calls a second at most, for all tasks of a batch together. */
const INTERVAL_MS = 250;

export interface ProgressParts {
  publish(owner: string, steps: Progress[]): Promise<void>;
  log: Logger;
}

/** Collects what the tasks of a batch report and passes on the newest of each. Best effort. */
export const createProgress = ({ publish, log }: ProgressParts) => {
  let newest = new Map<string, { owner: string; step: Progress }>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isQuiet = true;

  const flush = async (): Promise<void> => {
    timer = undefined;
    if (newest.size === 0) {
      isQuiet = true;
      return;
    }
    timer = setTimeout(() => void flush(), INTERVAL_MS);
    const steps = [...newest.values()];
    newest = new Map();
    const byOwner = Map.groupBy(steps, ({ owner }) => owner);
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
      log.warn('progress_failed', { tasks: steps.length, error: messageOf(error) });
    }
  };

  return {
    report({ owner, id, version }: Task, fraction: number, note?: string): void {
      const inRange = Number.isFinite(fraction) ? Math.min(1, Math.max(0, fraction)) : 0;
      newest.set(id, { owner, step: { task_id: id, version, fraction: inRange, note: note?.slice(0, 200) ?? null } });
      if (!isQuiet) return;
      // The first goes out at once, with whatever else is reported in the same turn.
      isQuiet = false;
      timer = setTimeout(() => void flush(), 0);
    },
    stop(): void {
      clearTimeout(timer);
      newest.clear();
    },
  };
};
