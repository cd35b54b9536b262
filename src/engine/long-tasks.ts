import { describeError } from '../domain/errors.ts';
import type { Task } from '../domain/task.ts';
import type { Logger } from '../log.ts';
import type { TaskStore } from '../store/tasks.ts';
import { MAX_MESSAGE_DELAY_MS } from '../store/transitions.ts';
import type { TaskQueues } from './task-queues.ts';
import type { Recorder } from './recorder.ts';
import type { Runner } from './runner.ts';

/** One claim of a long task, which a Workflow instance runs. */
export interface LongTaskRun {
  owner: string;
  id: string;
  attempt: number;
  timeoutMs: number;
}

/** The step outlives the handler's own timeout, and is never repeated by the Workflow: attempts are ours to count. */
export const toStepConfig = ({ timeoutMs }: LongTaskRun) =>
  ({ retries: { limit: 0, delay: 1_000 }, timeout: timeoutMs + 60_000 }) as const;

/** Workflow instances, by claim. */
export interface LongTasksDeps {
  workflow: Pick<Workflow<LongTaskRun>, 'create' | 'get'>;
  log: Logger;
}

const instanceId = (id: string, attempt: number): string => `${id}-${attempt}`;

/** Starting and ending the Workflow instances that run long tasks: a consumer lives 15 minutes, a batch not even that. */
export const createLongTasks = ({ workflow, log }: LongTasksDeps) => ({
  async start({ owner, id, attempt, timeout_ms }: Task): Promise<void> {
    await workflow.create({
      id: instanceId(id, attempt),
      params: { owner, id, attempt, timeoutMs: timeout_ms },
    });
  },
  /** Best effort: the instance would notice by itself within 2 s. */
  async terminate({ id, attempt }: Pick<Task, 'id' | 'attempt'>): Promise<void> {
    try {
      await (await workflow.get(instanceId(id, attempt))).terminate();
    } catch (error) {
      log.debug('terminate_failed', { task_id: id, attempt, error: describeError(error) });
    }
  },
});

export type LongTasks = ReturnType<typeof createLongTasks>;

export interface LongRunnerDeps {
  store: Pick<TaskStore, 'get'>;
  runner(): Runner;
  recorder: Recorder;
  taskQueues: Pick<TaskQueues, 'enqueue'>;
  log: Logger;
}

/** What a Workflow instance does: the same as a consumer, for one task that was claimed for it. */
export const createLongRunner = ({ store, runner, recorder, taskQueues, log }: LongRunnerDeps) => ({
  async run({ owner, id, attempt }: LongTaskRun): Promise<void> {
    const task = await store.get(owner, id);
    if (task?.status !== 'IN_PROGRESS' || task.attempt !== attempt) {
      log.info('long_run_superseded', { task_id: id, attempt });
      return;
    }
    const { run, stop } = runner();
    const outcome = await run(task);
    stop();
    const verdict = await recorder.forBatch(1).record(task, outcome);
    // Beyond a day no queue can hold it, and the clock brings it back.
    if (verdict.transition === 'reschedule' && verdict.delayMs <= MAX_MESSAGE_DELAY_MS) {
      const seconds = Math.ceil(verdict.delayMs / 1_000);
      await taskQueues.enqueue([task], () => seconds);
    }
  },
});
