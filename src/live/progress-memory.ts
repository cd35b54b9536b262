import type { Progress } from '../domain/frames.ts';
import type { TaskView } from '../domain/view.ts';

/** Running tasks whose progress is remembered. */
const MAX_KEPT = 1_000;

/**
 * How far running tasks have come, as it was published last: the database hears of it later. So a
 * reader and a watcher are told the same.
 */
export const createProgressMemory = () => {
  const newest = new Map<string, Progress>();
  return {
    get: (id: string): Progress | undefined => newest.get(id),

    keep(steps: readonly Progress[]): void {
      for (const step of steps) {
        newest.delete(step.task_id);
        newest.set(step.task_id, step);
      }
      // Oldest first: a Map keeps the order in which its entries came.
      for (const oldest of newest.keys()) {
        if (newest.size <= MAX_KEPT) break;
        newest.delete(oldest);
      }
    },

    /** Tasks that run no longer, or anew, have no progress. */
    forget(tasks: readonly Pick<TaskView, 'task_id' | 'status' | 'progress'>[]): void {
      for (const { task_id, status, progress } of tasks)
        if (status !== 'IN_PROGRESS' || progress === null) newest.delete(task_id);
    },

    /** A task as it was read, with what is known better here. */
    apply<Task extends Pick<TaskView, 'task_id' | 'status' | 'progress'>>(task: Task): Task {
      const step = task.status === 'IN_PROGRESS' ? newest.get(task.task_id) : undefined;
      return step ? { ...task, progress: { fraction: step.fraction, note: step.note } } : task;
    },
  };
};

export type ProgressMemory = ReturnType<typeof createProgressMemory>;
