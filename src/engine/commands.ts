import type { Publish } from './publisher.ts';
import { AppError } from '../domain/errors.ts';
import type { QueueName } from '../domain/routing.ts';
import { toDeliveryId, type DeliveryKey } from '../domain/delivery.ts';
import { isFinal, RESEND_AFTER_MS, type Priority, type Status, type Task } from '../domain/task.ts';
import type { Logger } from '../log.ts';
import type { QueueStore } from '../store/queues.ts';
import type { PurgedTask, TaskEdit, TaskStore } from '../store/tasks.ts';
import type { CommandName, Transitions } from '../store/transitions.ts';
import type { TaskQueues } from './task-queues.ts';
import type { LongTasks } from './long-tasks.ts';

export interface CommandDeps {
  transitions: Pick<Transitions, 'command' | 'commandMany'>;
  store: Pick<TaskStore, 'get' | 'edit' | 'remove' | 'purge'>;
  queues: Pick<QueueStore, 'pause' | 'resume'>;
  /** Winds the Dispatcher's clock; awaited before any row becomes due. */
  ensureAlarmBy(at: number): Promise<void>;
  taskQueues: Pick<TaskQueues, 'enqueue'>;
  publish: Publish;
  /** Forgets cached outputs. */
  forget(keys: { owner: string; id: string }[]): Promise<void>;
  /** Ends the live streams of deleted tasks; best effort, for the board finds out by itself. */
  closeStreams(owner: string, ids: string[]): Promise<void>;
  longTasks: Pick<LongTasks, 'terminate'>;
  longTaskMs: number;
  now(): number;
  log: Logger;
}

/** Where a command has nothing left to do: repeating it is no error. */
const ALREADY: Record<CommandName, readonly Status[]> = {
  cancel: ['CANCELLED'],
  pause: ['PAUSED'],
  resume: ['NEW', 'PENDING', 'IN_PROGRESS'],
  retry: [],
};

/** What a command needs before its write: whether it makes rows due (a cancel may owe a callback), and whether outputs become stale. */
const BEFORE: Record<CommandName, { wakes: boolean; forgets: boolean }> = {
  cancel: { wakes: true, forgets: false },
  pause: { wakes: false, forgets: false },
  resume: { wakes: true, forgets: false },
  retry: { wakes: true, forgets: true },
};

/** Rows per statement of a purge: short enough that nobody else waits for it. */
const PURGE_CHUNK = 200;

const notFound = (id: string): AppError =>
  new AppError('task_not_found', `There is no task "${id}"`);

/** The 409 that names the present status. */
const forbidden = (verb: string, { id, status }: Task): AppError => {
  const code = isFinal(status)
    ? 'task_finished'
    : status === 'IN_PROGRESS'
      ? 'task_running'
      : 'task_unfinished';
  return new AppError(code, `Cannot ${verb} task "${id}": it is ${status}`, {
    members: { task_status: status },
  });
};

/** What a person may do to a task. Every one is a guarded write; who comes second is told what is. */
export const createCommands = (parts: CommandDeps) => {
  const {
    transitions,
    store,
    queues,
    ensureAlarmBy,
    taskQueues,
    publish,
    forget,
    closeStreams,
    longTasks,
    now,
    log,
  } = parts;

  /** A delete gives open deliveries up; nothing but the log remembers them. */
  const reportGivenUp = (deliveries: readonly DeliveryKey[]): void => {
    for (const delivery of deliveries) {
      const { owner, task_id, sink } = delivery;
      log.warn('delivery_given_up', {
        delivery: toDeliveryId(delivery),
        owner,
        task_id,
        sink,
        reason: 'task_deleted',
      });
    }
  };

  const current = async (owner: string, id: string): Promise<Task> => {
    const task = await store.get(owner, id);
    if (!task) throw notFound(id);
    return task;
  };

  const terminate = async (
    task: Pick<Task, 'id' | 'attempt' | 'started_at' | 'timeout_ms'>,
  ): Promise<void> => {
    if (task.started_at !== null && task.timeout_ms > parts.longTaskMs)
      await longTasks.terminate(task);
  };

  /** After the commit: tells everybody and, where it is due, hands the task over. */
  const follow = async (task: Task): Promise<Task> => {
    await Promise.all([
      publish([task]),
      task.status === 'PENDING' ? taskQueues.enqueue([task]) : undefined,
    ]);
    return task;
  };

  const prepare = async (
    name: CommandName,
    owner: string,
    ids: readonly string[],
  ): Promise<void> => {
    if (BEFORE[name].wakes) await ensureAlarmBy(now() + RESEND_AFTER_MS);
    // Before the write, so that nobody who read the old output can put it back after.
    if (BEFORE[name].forgets) await forget(ids.map((id) => ({ owner, id })));
  };

  const command = async (name: CommandName, owner: string, id: string): Promise<Task> => {
    await prepare(name, owner, [id]);
    const task = await transitions.command(name, owner, id, now());
    if (task) return follow(task);
    const present = await current(owner, id);
    if (ALREADY[name].includes(present.status)) return present;
    throw forbidden(name === 'retry' ? 'retry' : name, present);
  };

  return {
    /** A running handler is aborted within about 2 s; the task is final at once. */
    async cancel(owner: string, id: string): Promise<Task> {
      const task = await command('cancel', owner, id);
      await terminate(task);
      return task;
    },

    pause: (owner: string, id: string): Promise<Task> => command('pause', owner, id),
    resume: (owner: string, id: string): Promise<Task> => command('resume', owner, id),
    retry: (owner: string, id: string): Promise<Task> => command('retry', owner, id),

    /** Changes words at any time; the priority, and with it the queue, only before the task runs. */
    async edit(
      owner: string,
      id: string,
      change: TaskEdit & { priority?: Priority | undefined },
    ): Promise<Task> {
      if (change.priority !== undefined) await ensureAlarmBy(now() + RESEND_AFTER_MS);
      await forget([{ owner, id }]);
      const task = await store.edit(owner, id, change, now());
      if (!task) throw forbidden('change the priority of', await current(owner, id));
      // A hint more to the same queue does no harm, one to the new queue is needed.
      return change.priority === undefined ? (await publish([task]), task) : follow(task);
    },

    async remove(owner: string, id: string): Promise<void> {
      await forget([{ owner, id }]);
      const { removed, givenUp } = await store.remove(owner, [id]);
      if (removed.length === 0) throw forbidden('delete', await current(owner, id));
      reportGivenUp(givenUp);
      await closeStreams(owner, [id]);
    },

    /** Does the same to many; those whose status forbids it are left alone. Returns how many were changed. */
    async many(
      name: CommandName | 'delete',
      owner: string,
      ids: readonly string[],
    ): Promise<number> {
      if (name === 'delete') {
        await forget(ids.map((id) => ({ owner, id })));
        const { removed, givenUp } = await store.remove(owner, ids);
        reportGivenUp(givenUp);
        await closeStreams(owner, removed);
        return removed.length;
      }
      await prepare(name, owner, ids);
      const tasks = await transitions.commandMany(name, owner, ids, now());
      await Promise.all([
        publish(tasks),
        taskQueues.enqueue(tasks.filter(({ status }) => status === 'PENDING')),
      ]);
      if (name === 'cancel') await Promise.all(tasks.map(terminate));
      return tasks.length;
    },

    /** Claims of a paused queue are refused at once; what is waiting is parked, and costs nothing. */
    pauseQueue: (name: QueueName): Promise<void> => queues.pause(name, now()),

    /** The clock brings back, in chunks, what was parked. */
    async resumeQueue(name: QueueName): Promise<void> {
      await queues.resume(name);
      // Only to be quick: while anything is parked, the clock strikes every minute.
      await ensureAlarmBy(now());
    },

    /** Deletes all of an owner's tasks, running ones too, whose results are then refused. Returns what they were. */
    async purge(owner: string): Promise<PurgedTask[]> {
      const purged: PurgedTask[] = [];
      for (;;) {
        const { tasks: chunk, givenUp } = await store.purge(owner, PURGE_CHUNK);
        reportGivenUp(givenUp);
        purged.push(...chunk);
        const ids = chunk.map(({ id }) => id);
        await Promise.all([forget(ids.map((id) => ({ owner, id }))), closeStreams(owner, ids)]);
        if (chunk.length < PURGE_CHUNK) return purged;
      }
    },
  };
};

export type Commands = ReturnType<typeof createCommands>;
