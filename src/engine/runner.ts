import type { Outcome } from '../domain/retry.ts';
import type { Task } from '../domain/task.ts';
import type { Executor } from './executor.ts';
import { createProgress, toProgress, type ProgressDeps } from './progress.ts';
import { createHeartbeat, type WatchDeps } from './heartbeat.ts';

export interface RunnerDeps extends ProgressDeps, WatchDeps {
  executor: Executor;
}

/** Runs claimed tasks, looked after: what they report is passed on, and one that is taken away is aborted. */
export const createRunner = ({ executor, ...parts }: RunnerDeps) => {
  const watch = createHeartbeat(parts);
  const progress = createProgress(parts);
  return {
    async run(task: Task): Promise<Outcome> {
      let isWatched = false;
      const watchLease = (): AbortSignal => {
        isWatched = true;
        return watch.add(task);
      };
      const report = (fraction: number, note?: string): void => {
        const step = toProgress(task, fraction, note);
        progress.report(task.owner, step);
        watch.report(task.id, { fraction: step.fraction, note: step.note });
      };
      try {
        return await executor.run(task, { watchLease, progress: report });
      } finally {
        if (isWatched) watch.remove(task.id);
      }
    },
    stop: progress.stop,
  };
};

export type Runner = ReturnType<typeof createRunner>;
