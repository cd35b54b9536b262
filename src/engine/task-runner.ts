import type { EndedOutcome } from '../domain/retry.ts';
import type { Task } from '../domain/task.ts';
import type { OutsideRuns } from '../store/outside-runs.ts';
import type { Executor } from './executor.ts';
import { startHeartbeat, type HeartbeatDeps } from './heartbeat.ts';
import { toProgress } from '../domain/frames.ts';
import { createProgressReporter, type ProgressDeps } from './progress.ts';

export interface TaskRunnerDeps extends ProgressDeps, HeartbeatDeps {
  executor: Executor;
  outsideRuns: Pick<OutsideRuns, 'handOver'>;
}

/** Runs claimed tasks that share a heartbeat. */
export interface TaskRunner {
  /** Null: it goes on elsewhere, under a lease for its whole time. */
  runTask(task: Task): Promise<EndedOutcome | null>;
  /** Drops what was reported and not published yet: the outcomes are recorded. */
  stop(): void;
}
export type StartTaskRunner = () => TaskRunner;

/**
 * The executor with a heartbeat, which aborts a task whose lease is lost, and with progress, which
 * is published and saved.
 */
export const startTaskRunner = ({ executor, ...deps }: TaskRunnerDeps): TaskRunner => {
  const heartbeat = startHeartbeat(deps);
  const progress = createProgressReporter(deps);
  return {
    async runTask(task) {
      let isWatched = false;
      const watchLease = (): AbortSignal => {
        isWatched = true;
        return heartbeat.add(task);
      };
      const report = (fraction: number, note?: string): void => {
        const step = toProgress(task, fraction, note);
        progress.report(task.owner, step);
        heartbeat.report(task.id, { fraction: step.fraction, note: step.note });
      };
      try {
        const outcome = await executor.execute(task, { watchLease, progress: report });
        if (outcome.kind !== 'handed_over') return outcome;
        await deps.outsideRuns.handOver(task);
        return null;
      } finally {
        if (isWatched) heartbeat.remove(task.id);
      }
    },
    stop: progress.stop,
  };
};
