import { describeError } from '../domain/errors.ts';
import type { EndedOutcome } from '../domain/retry.ts';
import { isLightQueue } from '../domain/routing.ts';
import type { Task } from '../domain/task.ts';
import type { Logger } from '../log.ts';
import type { LongTasks } from './long-tasks.ts';
import type { MessageTracker } from './message-tracker.ts';
import type { BatchRecorder, Recorded, Recorder } from './recorder.ts';
import type { StartTaskRunner, TaskRunner } from './task-runner.ts';

/**
 * A batch is started in this many parts, so that what it starts first goes on while the rest is
 * started. Light tasks that end at once have nothing to go on with, and then a turn would be idle.
 */
const PARTS = 10;
const nextTurn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

export interface BatchRunnerDeps {
  startRunner: StartTaskRunner;
  recorder: Recorder;
  longTasks: Pick<LongTasks, 'startMany'>;
  /** Tasks that may take longer than this are run by a Workflow, so that they hold up no batch. */
  longTaskMs: number;
  random(): number;
  log: Logger;
}

const NONE_REFUSED: ReadonlyMap<string, unknown> = new Map();
/** A Workflow that was refused is tried again after this and half of it, give or take. */
const REFUSED_MS = 30_000;

/**
 * Runs claimed tasks side by side, publishes their starts, records their outcomes, and tells the
 * trackers of their messages.
 */
export type BatchRunner = (
  tasks: readonly Task[],
  trackers: ReadonlyMap<string, MessageTracker>,
) => Promise<void>;

export const createBatchRunner = (deps: BatchRunnerDeps): BatchRunner => {
  const { startRunner, recorder, longTasks, longTaskMs, random, log } = deps;
  const isLong = (task: Task): boolean => task.timeout_ms > longTaskMs;

  /** The task's outcome; null when it goes on elsewhere. */
  const run = async (
    task: Task,
    runner: TaskRunner,
    starting: Promise<ReadonlyMap<string, unknown>>,
  ): Promise<EndedOutcome | null> => {
    if (!isLong(task)) return runner.runTask(task);
    const refused = await starting;
    if (!refused.has(task.id)) return null;
    // The claim is given back: nothing has run.
    const error = { code: 'workflow_unavailable', message: describeError(refused.get(task.id)) };
    const retryAfterMs = REFUSED_MS * (0.5 + random());
    return { kind: 'failed', error, retryable: true, retryAfterMs, refund: true };
  };

  const record = async (
    task: Task,
    running: Promise<EndedOutcome | null>,
    batch: BatchRecorder,
    tracker: MessageTracker | undefined,
  ): Promise<void> => {
    const outcome = await running;
    if (outcome === null) {
      batch.skip();
      return tracker?.resolve(task, null);
    }
    let recorded: Recorded;
    try {
      recorded = await batch.record(task, outcome);
    } catch (error) {
      const { id: task_id, attempt } = task;
      log.error('outcome_not_recorded', { task_id, attempt, error: describeError(error) });
      return tracker?.resolveUnknown();
    }
    return tracker?.resolve(task, recorded.verdict);
  };

  return async (tasks, trackers) => {
    const runner = startRunner();
    const batch = recorder.forBatch(tasks.length, tasks);
    const size = Math.ceil(tasks.length / PARTS);
    const long = tasks.filter(isLong);
    const starting = long.length > 0 ? longTasks.startMany(long) : Promise.resolve(NONE_REFUSED);
    const isLight = isLightQueue(tasks[0]?.queue ?? '');
    const recording: Promise<void>[] = [];
    for (let from = 0; from < tasks.length; from += size) {
      const running = tasks.slice(from, from + size).map((task) => {
        const outcome = run(task, runner, starting);
        recording.push(record(task, outcome, batch, trackers.get(task.id)));
        return outcome;
      });
      await (isLight ? Promise.race([Promise.all(running), nextTurn()]) : nextTurn());
    }
    await Promise.all(recording);
    await batch.end();
    runner.stop();
  };
};
