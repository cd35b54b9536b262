import { AppError } from '../domain/errors.ts';
import { isRepeatable, type CommandName } from '../domain/lifecycle.ts';
import { RESEND_AFTER_MS } from '../domain/new-task.ts';
import type { QueueName } from '../domain/routing.ts';
import type { Task, TaskKey, TaskSummaryRow } from '../domain/task.ts';
import type { Logger } from '../log.ts';
import type { Leftover } from '../store/deletions.ts';
import type { QueueStore } from '../store/queues.ts';
import type { TaskEdit, TaskStore } from '../store/tasks.ts';
import type { StatusCommand } from '../store/command-sql.ts';
import type { Transitions } from '../store/transitions.ts';
import type { LongTasks } from './long-tasks.ts';
import type { AllowRetry, FlowCommands } from './flow-commands.ts';
import type { FollowUp } from './follow-up.ts';
import type { Publish } from './publisher.ts';
import { logGivenUp } from './purge.ts';
import { refuseCommand } from './refuse-command.ts';
import type { TaskQueues } from './task-queues.ts';

export interface CommandDeps {
  transitions: Pick<Transitions, 'command' | 'commandMany'>;
  store: Pick<TaskStore, 'get' | 'edit' | 'remove'>;
  queues: Pick<QueueStore, 'pause' | 'resume'>;
  /** Sets the Dispatcher's alarm; awaited before any row becomes due. */
  ensureAlarmBy(at: number): Promise<void>;
  taskQueues: Pick<TaskQueues, 'enqueue'>;
  publish: Publish;
  followUp: FollowUp;
  /** Tasks of flows go back with what waits for them. */
  retryInFlows: FlowCommands['retryMany'];
  /** Drops cached outputs. */
  invalidate(keys: TaskKey[]): Promise<void>;
  /** Ends the live streams of deleted tasks; best effort, for the board finds out by itself. */
  closeStreams(owner: string, ids: string[]): Promise<void>;
  /** Removes files that deleted tasks had written; never throws. */
  removeLeftovers(leftovers: readonly Leftover[]): Promise<void>;
  longTasks: Pick<LongTasks, 'terminate'>;
  longTaskMs: number;
  now(): number;
  log: Logger;
}

/**
 * What a command needs before its write: whether it makes rows due (a cancel may have a callback to
 * deliver), and whether outputs become stale.
 */
const EFFECTS: Record<StatusCommand, { makesDue: boolean; makesStale: boolean }> = {
  cancel: { makesDue: true, makesStale: false },
  pause: { makesDue: false, makesStale: false },
  resume: { makesDue: true, makesStale: false },
  retry: { makesDue: true, makesStale: true },
};

/**
 * The commands on tasks. Every one is a guarded write; a caller who comes second gets the present
 * status.
 */
export const createCommands = (deps: CommandDeps) => {
  const { transitions, store, queues, ensureAlarmBy, taskQueues, publish, followUp } = deps;
  const { invalidate, closeStreams, removeLeftovers, longTasks, now, log } = deps;

  const getTask = async (owner: string, id: string): Promise<Task> => {
    const task = await store.get(owner, id);
    if (task) return task;
    throw new AppError('task_not_found', `There is no task "${id}"`);
  };

  const terminate = async (
    task: Pick<Task, 'id' | 'attempt' | 'started_at' | 'timeout_ms'>,
  ): Promise<void> => {
    if (task.started_at !== null && task.timeout_ms > deps.longTaskMs)
      await longTasks.terminate(task);
  };

  /** After the commit: publishes the task and, where it is due, enqueues it. */
  const publishAndEnqueue = async (
    task: Task,
    made: readonly TaskSummaryRow[] = [],
  ): Promise<Task> => {
    await Promise.all([
      publish([task, ...made]),
      task.status === 'PENDING' && task.held === null ? taskQueues.enqueue([task]) : undefined,
      followUp([task, ...made]),
    ]);
    return task;
  };

  const prepare = async (
    name: StatusCommand,
    owner: string,
    ids: readonly string[],
  ): Promise<void> => {
    if (EFFECTS[name].makesDue) await ensureAlarmBy(now() + RESEND_AFTER_MS);
    // Before the write, so that no reader of the old output can put it back after.
    if (EFFECTS[name].makesStale) await invalidate(ids.map((id) => ({ owner, id })));
  };

  const runCommand = async (
    name: StatusCommand,
    owner: string,
    id: string,
    allow?: AllowRetry,
  ): Promise<Task> => {
    await prepare(name, owner, [id]);
    const done = await transitions.command(name, owner, id, now());
    if (done) return publishAndEnqueue(done.task, done.made);
    const present = await getTask(owner, id);
    if (isRepeatable(name, present.status)) return present;
    if (allow && present.flow_id !== null) {
      const back = await deps.retryInFlows(owner, [id], allow);
      if (back.length > 0) return getTask(owner, id);
    }
    throw refuseCommand(name, present);
  };

  const removeMany = async (owner: string, ids: readonly string[]): Promise<string[]> => {
    await invalidate(ids.map((id) => ({ owner, id })));
    const { removed, givenUp, leftovers, tasks } = await store.remove(owner, ids);
    logGivenUp(log, givenUp);
    const ends = [closeStreams(owner, removed), removeLeftovers(leftovers)];
    await Promise.all([...ends, followUp(tasks)]);
    return removed;
  };

  return {
    /** A running handler is aborted within about 2 s (10 s after five minutes); the task is final at once. */
    async cancel(owner: string, id: string): Promise<Task> {
      const task = await runCommand('cancel', owner, id);
      await terminate(task);
      return task;
    },

    pause: (owner: string, id: string): Promise<Task> => runCommand('pause', owner, id),
    resume: (owner: string, id: string): Promise<Task> => runCommand('resume', owner, id),
    /** @param allow asked for all that goes back in its flow, itself too; not asked outside of flows */
    retry: (owner: string, id: string, allow: AllowRetry): Promise<Task> =>
      runCommand('retry', owner, id, allow),

    /**
     * Changes words at any time; the priority, and with it the queue, only before the task runs.
     */
    async edit(owner: string, id: string, change: TaskEdit): Promise<Task> {
      const isMoved = change.priority !== undefined;
      if (isMoved) await ensureAlarmBy(now() + RESEND_AFTER_MS);
      await invalidate([{ owner, id }]);
      const task = await store.edit(owner, id, change, now());
      if (!task) throw refuseCommand('reprioritize', await getTask(owner, id));
      // One message more to the same queue does no harm, one to the new queue is needed.
      if (isMoved) return publishAndEnqueue(task);
      await publish([task]);
      return task;
    },

    async remove(owner: string, id: string): Promise<void> {
      const removed = await removeMany(owner, [id]);
      if (removed.length === 0) throw refuseCommand('delete', await getTask(owner, id));
    },

    /**
     * Does the same to many; those whose status forbids it are left alone. Returns how many were
     * changed.
     * @param allow of a retry: asked for what goes back in flows
     */
    async runMany(
      name: CommandName,
      owner: string,
      ids: readonly string[],
      allow?: AllowRetry,
    ): Promise<number> {
      if (name === 'delete') return (await removeMany(owner, ids)).length;
      await prepare(name, owner, ids);
      const tasks = await transitions.commandMany(name, owner, ids, now());
      const due = tasks.filter(({ status, held }) => status === 'PENDING' && held === null);
      await Promise.all([publish(tasks), taskQueues.enqueue(due), followUp(tasks)]);
      if (name === 'cancel') await Promise.all(tasks.map(terminate));
      if (!allow || tasks.length === ids.length) return tasks.length;
      const changed = new Set(tasks.map(({ id }) => id));
      const back = await deps.retryInFlows(
        owner,
        ids.filter((id) => !changed.has(id)),
        allow,
      );
      return tasks.length + back.length;
    },

    /** Claims of a paused queue are refused at once; what waits is parked, and costs nothing. */
    pauseQueue: (name: QueueName, by?: string | null) => queues.pause(name, now(), by),

    /** The clock brings back, in chunks, what was parked. */
    async resumeQueue(name: QueueName): Promise<void> {
      await queues.resume(name);
      // Only to be quick: while anything is parked, the clock ticks every minute.
      await ensureAlarmBy(now());
    },
  };
};

export type Commands = ReturnType<typeof createCommands>;
