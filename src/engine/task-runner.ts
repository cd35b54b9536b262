import type { EndedOutcome, Outcome } from '../domain/retry.ts';
import type { Task } from '../domain/task.ts';
import type { OutsideRuns } from '../store/outside-runs.ts';
import type { Executor } from './executor.ts';
import { startHeartbeat, type HeartbeatDeps } from './heartbeat.ts';
import { toProgress } from '../domain/frames.ts';
import { createLogSaver, type LogSaverDeps } from './log-saver.ts';
import { createRunReporter, type RunReporterDeps } from './run-reporter.ts';
import { createRunVoice, type RunVoice } from './run-voice.ts';

/** Runs within a span that tells of it. */
export type TraceRun = (task: Task, run: () => Promise<Outcome>) => Promise<Outcome>;

/** For the runs of one invocation. */
export type StartTracing = () => TraceRun;

export interface TaskRunnerDeps extends RunReporterDeps, HeartbeatDeps, LogSaverDeps {
  executor: Executor;
  outsideRuns: Pick<OutsideRuns, 'handOver'>;
  startTracing: StartTracing;
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
 * The executor with a heartbeat, which aborts a task whose lease is lost, and with what the task
 * says: progress, output and its log, which are published and, but for the output, saved.
 */
export const startTaskRunner = ({ executor, ...deps }: TaskRunnerDeps): TaskRunner => {
  const heartbeat = startHeartbeat(deps);
  const reporter = createRunReporter(deps);
  const logs = createLogSaver(deps);
  const traceRun = deps.startTracing();
  return {
    async runTask(task) {
      let isWatched = false;
      const watchLease = (): AbortSignal => {
        isWatched = true;
        return heartbeat.add(task);
      };
      const report = (fraction: number, note?: string): void => {
        const step = toProgress(task, fraction, note);
        reporter.report(task.owner, step);
        heartbeat.report(task.id, { fraction: step.fraction, note: step.note });
      };
      // Most runs say nothing.
      let voice: RunVoice | undefined;
      const speak = (say: (voice: RunVoice) => void): void => {
        voice ??= createRunVoice(task, deps.now);
        say(voice);
        reporter.speak(voice);
      };
      try {
        const execute = (): Promise<Outcome> =>
          executor.execute(task, {
            watchLease,
            progress: report,
            output: (text) => speak((each) => each.output(text)),
            saveCheckpoint: (checkpoint) => heartbeat.keepCheckpoint(task.id, checkpoint),
            log: (level, message, fields) =>
              speak((each) => {
                each.log(level, message, fields);
                logs.add(each);
              }),
          });
        const outcome = await traceRun(task, execute);
        // Before the end is known: whoever sees it has all of the log.
        if (voice) await Promise.all([reporter.finish(voice), logs.finish(voice)]);
        if (outcome.kind !== 'handed_over') return outcome;
        await deps.outsideRuns.handOver(task);
        return null;
      } finally {
        if (isWatched) heartbeat.remove(task.id);
      }
    },
    stop() {
      reporter.stop();
      logs.stop();
    },
  };
};
