import { chunk } from '../domain/chunk.ts';
import { describeError } from '../domain/errors.ts';
import type { Task } from '../domain/task.ts';
import type { Logger } from '../log.ts';
import type { TaskStore } from '../store/tasks.ts';
import { toMessageDelay } from './message-tracker.ts';
import type { Recorder } from './recorder.ts';
import type { TaskQueues } from './task-queues.ts';
import type { StartTaskRunner } from './task-runner.ts';

/** One claim of a long task, which a Workflow instance runs. */
export interface LongTaskRun {
  owner: string;
  id: string;
  attempt: number;
  timeoutMs: number;
}

/**
 * The step outlives the handler's own timeout, and the Workflow never repeats it: the engine counts
 * attempts.
 */
export const toStepConfig = ({ timeoutMs }: LongTaskRun) =>
  ({ retries: { limit: 0, delay: 1_000 }, timeout: timeoutMs + 60_000 }) as const;

const toInstanceId = (id: string, attempt: number): string => `${id}-${attempt}`;

/** https://developers.cloudflare.com/workflows/build/workers-api/#createbatch */
const MAX_BATCH = 100;

export interface LongTasksDeps {
  workflow: Pick<Workflow<LongTaskRun>, 'createBatch' | 'get'>;
  log: Logger;
}

/**
 * Starts and ends the Workflow instances that run long tasks: a consumer lives 15 minutes, a batch
 * not even that.
 */
export const createLongTasks = ({ workflow, log }: LongTasksDeps) => ({
  /**
   * Starts an instance for each of these claims; returns those that were refused, with why. Of a
   * refused batch some may have been started all the same: they find that their attempt is over.
   */
  async startMany(tasks: readonly Task[]): Promise<Map<string, unknown>> {
    const refused = new Map<string, unknown>();
    for (const group of chunk(tasks, { most: MAX_BATCH })) {
      const instances = group.map(({ owner, id, attempt, timeout_ms }) => ({
        id: toInstanceId(id, attempt),
        params: { owner, id, attempt, timeoutMs: timeout_ms },
      }));
      await workflow.createBatch(instances).catch((error: unknown) => {
        for (const { id } of group) refused.set(id, error);
      });
    }
    return refused;
  },
  /** Best effort: the instance would notice by itself within seconds. */
  async terminate({ id, attempt }: Pick<Task, 'id' | 'attempt'>): Promise<void> {
    try {
      await (await workflow.get(toInstanceId(id, attempt))).terminate();
    } catch (error) {
      log.debug('terminate_failed', { task_id: id, attempt, error: describeError(error) });
    }
  },
});

export type LongTasks = ReturnType<typeof createLongTasks>;

export interface LongTaskRunnerDeps {
  store: Pick<TaskStore, 'get'>;
  startRunner: StartTaskRunner;
  recorder: Recorder;
  taskQueues: Pick<TaskQueues, 'enqueue'>;
  log: Logger;
}

/**
 * The work of a Workflow instance: the same as a consumer's, for one task that was claimed for it.
 */
export const createLongTaskRunner = (deps: LongTaskRunnerDeps) => {
  const { store, startRunner, recorder, taskQueues, log } = deps;
  return {
    async run({ owner, id, attempt }: LongTaskRun): Promise<void> {
      const task = await store.get(owner, id);
      if (task?.status !== 'IN_PROGRESS' || task.attempt !== attempt) {
        log.info('long_run_superseded', { task_id: id, attempt });
        return;
      }
      const runner = startRunner();
      const outcome = await runner.runTask(task);
      runner.stop();
      if (outcome === null) return;
      const { verdict } = await recorder.forBatch(1).record(task, outcome);
      const delay = toMessageDelay(task, verdict);
      if (delay !== null) await taskQueues.enqueue([task], () => delay);
    },
  };
};
