import { isFinal, type Task } from '../domain/task.ts';
import { summaryOf, viewOf, type TaskSummary, type TaskView } from '../domain/view.ts';
import type { Announced, Sink } from './announce.ts';

/** Larger than this, params and result stay out of the call; the board reads them for those who watch. UTF-16 units. */
const MAX_BODY_CHARS = 16_384;

const isWhole = (task: Announced): task is Task => task.params !== undefined && task.result !== undefined;

const updateOf = (task: Announced): TaskView | TaskSummary =>
  isWhole(task) && task.params.length + (task.result?.length ?? 0) <= MAX_BODY_CHARS ? viewOf(task) : summaryOf(task);

/** Live status: one call per batch and owner. */
export const createBoardSink = (
  publish: (owner: string, updates: (TaskView | TaskSummary)[]) => Promise<void>,
): Sink => ({
  name: 'board',
  tell: async (tasks) => {
    const byOwner = Map.groupBy(tasks, ({ owner }) => owner);
    await Promise.all([...byOwner].map(([owner, rows]) => publish(owner, rows.map(updateOf))));
  },
});

/** Outputs of final tasks, kept near for those who will ask. */
export const createCacheSink = (parts: {
  setMany(outputs: { task: Task; ttlSeconds: number }[]): Promise<void>;
  ttlSecondsOf(type: string): number;
}): Sink => ({
  name: 'cache',
  tell: async (tasks) => {
    const finished = tasks.filter(isWhole).filter(({ status }) => isFinal(status));
    if (finished.length === 0) return;
    await parts.setMany(finished.map((task) => ({ task, ttlSeconds: parts.ttlSecondsOf(task.type) })));
  },
});
