import type { Task } from './task.ts';
import type { TaskSummary, TaskView } from './view.ts';

/** How far a task has come, while it runs. */
export interface Progress {
  task_id: string;
  version: number;
  fraction: number;
  note: string | null;
}

const MAX_NOTE_CHARS = 200;

/** A handler's report, bounded and well-formed. */
export const toProgress = (
  { id, version }: Pick<Task, 'id' | 'version'>,
  fraction: number,
  note?: string,
): Progress => ({
  task_id: id,
  version,
  fraction: Number.isFinite(fraction) ? Math.min(1, Math.max(0, fraction)) : 0,
  note: note?.slice(0, MAX_NOTE_CHARS).toWellFormed() ?? null,
});

/** A frame of a live stream; the first is always the snapshot. */
export type Frame =
  | { event: 'snapshot'; task: TaskView }
  | { event: 'snapshot'; tasks: TaskSummary[] }
  | { event: 'update'; task: TaskView }
  | { event: 'updates'; seq: number; tasks: TaskSummary[] }
  | ({ event: 'progress' } & Progress);

/** A view without its long parts, as the list's frames carry it. */
export const summarize = (task: TaskView | TaskSummary): TaskSummary => {
  if (!('params' in task)) return task;
  const { params: _, result: __, ...summary } = task;
  return summary;
};

/** Keeps the update unless a newer one of its task is there. */
export const keepNewest = <T extends TaskSummary>(updates: Map<string, T>, update: T): void => {
  if (update.version > (updates.get(update.task_id)?.version ?? 0))
    updates.set(update.task_id, update);
};
