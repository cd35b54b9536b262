import { toDeliveryId, type DeliveryKey } from '../domain/delivery.ts';
import { AppError } from '../domain/errors.ts';
import { isRepeatable, type CommandName } from '../domain/lifecycle.ts';
import { RESEND_AFTER_MS } from '../domain/new-task.ts';
import type { QueueName } from '../domain/routing.ts';
import type { Task, TaskKey } from '../domain/task.ts';
import type { Logger } from '../log.ts';
import type { OutputFile, PurgedTask } from '../store/deletions.ts';
import type { QueueStore } from '../store/queues.ts';
import type { TaskEdit, TaskStore } from '../store/tasks.ts';
import type { StatusCommand, Transitions } from '../store/transitions.ts';
import type { LongTasks } from './long-tasks.ts';
import type { LimitAdmission } from './admission.ts';
import type { Publish } from './publisher.ts';
import { refuseCommand } from './refuse-command.ts';
import type { TaskQueues } from './task-queues.ts';

export interface CommandDeps {
  transitions: Pick<Transitions, 'command' | 'commandMany'>;
  store: Pick<TaskStore, 'get' | 'edit' | 'remove' | 'purge'>;
  queues: Pick<QueueStore, 'pause' | 'resume'>;
  /** Sets the Dispatcher's alarm; awaited before any row becomes due. */
  ensureAlarmBy(at: number): Promise<void>;
  taskQueues: Pick<TaskQueues, 'enqueue'>;
  publish: Publish;
  admission: Pick<LimitAdmission, 'admitAfter'>;
  /** Drops cached outputs. */
  invalidate(keys: TaskKey[]): Promise<void>;
  /** Ends the live streams of deleted tasks; best effort, for the board finds out by itself. */
  closeStreams(owner: string, ids: string[]): Promise<void>;
  /** Removes files that deleted tasks had written; never throws. */
  removeFiles(files: readonly OutputFile[]): Promise<void>;
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

/** Rows per statement of a purge: few enough that no other statement waits for it. */
const PURGE_CHUNK = 200;
/** Tasks that one call of a purge deletes; fewer mean that none is left. */
export const MAX_PURGED = 5_000;

/**
 * The commands on tasks. Every one is a guarded write; a caller who comes second gets the present
 * status.
 */
export const createCommands = (deps: CommandDeps) => {
  const { transitions, store, queues, ensureAlarmBy, taskQueues, publish, admission } = deps;
  const { invalidate, closeStreams, removeFiles, longTasks, now, log } = deps;

  /** A delete gives open deliveries up; only the log remembers them. */
  const logGivenUp = (deliveries: readonly DeliveryKey[]): void => {
    for (const delivery of deliveries) {
      const { owner, task_id, sink } = delivery;
      const fields = { delivery: toDeliveryId(delivery), owner, task_id, sink };
      log.warn('delivery_given_up', { ...fields, reason: 'task_deleted' });
    }
  };

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
  const publishAndEnqueue = async (task: Task): Promise<Task> => {
    await Promise.all([
      publish([task]),
      task.status === 'PENDING' && task.held === null ? taskQueues.enqueue([task]) : undefined,
      admission.admitAfter([task]),
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

  const runCommand = async (name: StatusCommand, owner: string, id: string): Promise<Task> => {
    await prepare(name, owner, [id]);
    const task = await transitions.command(name, owner, id, now());
    if (task) return publishAndEnqueue(task);
    const present = await getTask(owner, id);
    if (isRepeatable(name, present.status)) return present;
    throw refuseCommand(name, present);
  };

  const removeMany = async (owner: string, ids: readonly string[]): Promise<string[]> => {
    await invalidate(ids.map((id) => ({ owner, id })));
    const { removed, givenUp, outputs, limits } = await store.remove(owner, ids);
    logGivenUp(givenUp);
    const ends = [closeStreams(owner, removed), removeFiles(outputs)];
    await Promise.all([...ends, admission.admitAfter(limits)]);
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
    retry: (owner: string, id: string): Promise<Task> => runCommand('retry', owner, id),

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
     */
    async runMany(name: CommandName, owner: string, ids: readonly string[]): Promise<number> {
      if (name === 'delete') return (await removeMany(owner, ids)).length;
      await prepare(name, owner, ids);
      const tasks = await transitions.commandMany(name, owner, ids, now());
      const due = tasks.filter(({ status, held }) => status === 'PENDING' && held === null);
      await Promise.all([publish(tasks), taskQueues.enqueue(due), admission.admitAfter(tasks)]);
      if (name === 'cancel') await Promise.all(tasks.map(terminate));
      return tasks.length;
    },

    /** Claims of a paused queue are refused at once; what waits is parked, and costs nothing. */
    pauseQueue: (name: QueueName, by?: string | null) => queues.pause(name, now(), by),

    /** The clock brings back, in chunks, what was parked. */
    async resumeQueue(name: QueueName): Promise<void> {
      await queues.resume(name);
      // Only to be quick: while anything is parked, the clock ticks every minute.
      await ensureAlarmBy(now());
    },

    /**
     * Deletes an owner's tasks, running ones too, whose results are then refused: `MAX_PURGED` of
     * them, for one invocation asks for so much. Returns what they were.
     */
    async purge(owner: string): Promise<PurgedTask[]> {
      const purged: PurgedTask[] = [];
      while (purged.length < MAX_PURGED) {
        const { tasks: some, givenUp, outputs } = await store.purge(owner, PURGE_CHUNK);
        logGivenUp(givenUp);
        purged.push(...some);
        const ids = some.map(({ id }) => id);
        const keys = ids.map((id) => ({ owner, id }));
        await Promise.all([invalidate(keys), closeStreams(owner, ids), removeFiles(outputs)]);
        if (some.length < PURGE_CHUNK) break;
      }
      return purged;
    },
  };
};

export type Commands = ReturnType<typeof createCommands>;
