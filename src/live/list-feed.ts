import type { TaskSummary } from '../domain/view.ts';
import { keepNewest } from '../domain/frames.ts';
import { createPacer } from './pacer.ts';

/** Versions remembered, so that nothing is repeated. */
const MAX_REMEMBERED = 2_000;

export interface ListFeedDeps {
  now(): number;
  /** Sends one frame's worth to everybody who watches the list. */
  deliver(tasks: TaskSummary[]): void;
}

/** What the list's subscribers are told: at once while things are quiet, and otherwise the newest of each task. */
export const createListFeed = ({ now, deliver }: ListFeedDeps) => {
  const pacer = createPacer();
  const told = new Map<string, number>();
  const pending = new Map<string, TaskSummary>();
  let timer: ReturnType<typeof setTimeout> | undefined;

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (pending.size === 0) return;
    const tasks = [...pending.values()];
    pending.clear();
    pacer.sent(now());
    deliver(tasks);
  };

  return {
    /** Takes what is newer than what was told before. */
    add(updates: readonly TaskSummary[]): void {
      for (const update of updates) {
        if (update.version <= (told.get(update.task_id) ?? 0)) continue;
        told.set(update.task_id, update.version);
        keepNewest(pending, update);
      }
      for (const id of told.keys()) {
        if (told.size <= MAX_REMEMBERED) break;
        told.delete(id);
      }
      const waitMs = pacer.waitMs(now());
      if (waitMs === 0) flush();
      else timer ??= setTimeout(flush, waitMs);
    },
  };
};
