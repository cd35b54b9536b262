import { createCoalescer } from '../domain/coalescer.ts';
import { keepNewest } from '../domain/frames.ts';
import type { TaskSummary } from '../domain/view.ts';
import { createPacer } from './pacer.ts';

/** Versions remembered, so that nothing is repeated. */
const MAX_REMEMBERED = 2_000;

export interface ListFeedDeps {
  now(): number;
  /** Sends one frame's worth to all who watch the list. */
  deliver(tasks: TaskSummary[]): void;
}

/**
 * Feeds the list's subscribers: at once while things are quiet, and otherwise the newest of each
 * task.
 */
export const createListFeed = ({ now, deliver }: ListFeedDeps) => {
  const pacer = createPacer();
  const delivered = new Map<string, number>();
  const pending = new Map<string, TaskSummary>();
  const deliveries = createCoalescer(() => {
    if (pending.size === 0) return;
    const tasks = [...pending.values()];
    pending.clear();
    pacer.countFrame(now());
    deliver(tasks);
  });

  return {
    /** Takes what is newer than what was delivered before. */
    add(updates: readonly TaskSummary[]): void {
      for (const update of updates) {
        if (update.version <= (delivered.get(update.task_id) ?? 0)) continue;
        delivered.set(update.task_id, update.version);
        keepNewest(pending, update);
      }
      for (const id of delivered.keys()) {
        if (delivered.size <= MAX_REMEMBERED) break;
        delivered.delete(id);
      }
      const waitMs = pacer.computeWaitMs(now());
      if (waitMs === 0) deliveries.runNow();
      else deliveries.request(waitMs);
    },
  };
};
