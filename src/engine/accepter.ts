import { describeError } from '../domain/errors.ts';
import { RESEND_AFTER_MS } from '../domain/new-task.ts';
import { toBegun } from '../domain/direct-run.ts';
import type { Task } from '../domain/task.ts';
import { isFinal } from '../domain/words.ts';
import type { LimitKey } from '../store/admission.ts';
import { MAX_INSERT } from '../store/inserts.ts';
import { MAX_GROUP_CHARS } from '../store/statements.ts';
import type { Acceptance, EncodedTask } from './accept-wire.ts';
import type { BytesQuota } from './bytes-quota.ts';
import type { DatabaseSize } from './database-size.ts';
import { BUSY_GROUP, gather } from './gather.ts';
import { createGroupCommit, type GroupCommitDeps, type WaitingTask } from './group-commit.ts';
import type { Publish } from './publisher.ts';
import type { Quota } from './quota.ts';
import { findLimitKeys, type LimitAdmission } from './admission.ts';
import type { TaskQueues } from './task-queues.ts';

/** Tasks that may wait for a group; beyond it callers are asked to come back. */
const MAX_WAITING = 5_000;

/**
 * While groups follow each other, what is stored is enqueued after this long at most, or at this
 * many tasks.
 */
const HOLD_MS = 50;
const HELD_TASKS = 200;
/** Sends that go on at the same time; an invocation has few connections. */
const MAX_SENDING = 3;

export interface AccepterDeps extends GroupCommitDeps {
  taskQueues: Pick<TaskQueues, 'enqueue'>;
  publish: Publish;
  admission: Pick<LimitAdmission, 'admit'>;
  /** Makes sure that the clock ticks by then; awaited before any row is due. */
  ensureAlarmBy(at: number): Promise<void>;
  quota: Pick<Quota, 'tryReserve'>;
  bytesQuota: Pick<BytesQuota, 'tryReserve'>;
  databaseSize: Pick<DatabaseSize, 'isFull'>;
  /** Resolves after `ms` milliseconds. */
  wait(ms: number): Promise<void>;
}

/**
 * When the clock must look at a new task: one that is final already may have a callback to deliver,
 * and a direct run is counted in the Dispatcher's memory, which the clock empties.
 */
export const firstLookAt = (task: Task): number => {
  const { wake_at, callback_url, submitted_at, expires_at, attempt } = task;
  const isSoon = attempt > 0 || (wake_at === null && callback_url !== null);
  const soon = isSoon ? submitted_at + RESEND_AFTER_MS : Infinity;
  return Math.min(soon, wake_at ?? Infinity, expires_at ?? Infinity);
};

/** A task that was born with its outcome has begun, too. */
const findChanges = (stored: readonly Task[]): Task[] =>
  stored.flatMap((task) =>
    task.attempt > 0 && task.completed_at !== null ? [toBegun(task), task] : task,
  );

/**
 * Group commit: all accepts that wait, from all requests, are written with one statement, and each
 * caller is answered after the commit. This is the loop that decides when to commit;
 * group-commit.ts writes.
 */
export const createAccepter = (deps: AccepterDeps) => {
  const { taskQueues, publish, admission, ensureAlarmBy, now, log } = deps;
  const { quota, bytesQuota, databaseSize } = deps;
  const { commit, isAccepting } = createGroupCommit(deps);
  const waiting: WaitingTask[] = [];
  const sending = new Set<Promise<void>>();
  /** Limits that hold what was just stored. */
  const touched = new Map<string, LimitKey>();
  let admitting: Promise<void> | undefined;
  let isDraining = false;
  let lastSize = 1;

  const takeGroup = (): WaitingTask[] => {
    let chars = 0;
    let size = 0;
    for (const { row } of waiting) {
      chars += row.length;
      if (size === MAX_INSERT || (size > 0 && chars > MAX_GROUP_CHARS)) break;
      size += 1;
    }
    return waiting.splice(0, size);
  };

  /** Lets go what limits allow, beside the groups that are written: those of others do not wait for it. */
  const admitTouched = async (): Promise<void> => {
    while (touched.size > 0) {
      const keys = [...touched.values()];
      touched.clear();
      await taskQueues.enqueue(await admission.admit(keys));
    }
    admitting = undefined;
  };

  /** Writes the next group; returns what is to be enqueued of it. */
  const storeGroup = async (): Promise<Task[]> => {
    const group = takeGroup();
    lastSize = group.length;
    try {
      await ensureAlarmBy(
        Math.min(...group.map(({ task, direct }) => firstLookAt({ ...task, ...direct }))),
      );
    } catch (error) {
      log.error('alarm_failed', { error: describeError(error) });
      for (const { answer } of group) answer('database_unavailable');
      return [];
    }
    const stored = await commit(group);
    void publish(findChanges(stored));
    for (const { owner, key } of findLimitKeys(stored.filter(({ held }) => held === 'limit')))
      touched.set(JSON.stringify([owner, key]), { owner, key });
    if (touched.size > 0) admitting ??= admitTouched();
    return stored.filter(({ status, held }) => status === 'PENDING' && held === null);
  };

  const drain = async (): Promise<void> => {
    isDraining = true;
    let held: Task[] = [];
    let heldSince = 0;
    while (waiting.length > 0 || held.length > 0) {
      const isBusy = lastSize >= BUSY_GROUP;
      if (isBusy) await gather(() => waiting.length, MAX_INSERT, deps);
      const isOver = waiting.length === 0;
      if (held.length === 0) heldSince = now();
      if (!isOver) held.push(...(await storeGroup()));
      const mayHold = held.length < HELD_TASKS && now() - heldSince < HOLD_MS;
      // Many tasks together make few messages, and few batches for the consumers.
      if (isBusy && !isOver && mayHold) continue;
      // The next group is written meanwhile: a queue may take a while. More than a few at a time
      // would pile up before one that takes long.
      if (sending.size >= MAX_SENDING) await Promise.race(sending);
      const sent = taskQueues.enqueue(held).finally(() => sending.delete(sent));
      sending.add(sent);
      held = [];
    }
    // Whoever comes meanwhile begins anew; an invocation ends when all is sent.
    isDraining = false;
    await Promise.all([...sending, admitting]);
  };

  return {
    isAccepting,

    /**
     * Resolves once it is known, task by task, what became of them. Repeating it with the same ids
     * is safe.
     */
    async accept(tasks: readonly EncodedTask[]): Promise<Acceptance[]> {
      if (await databaseSize.isFull()) return tasks.map(() => 'database_full');
      // An owner who cannot be counted is let in: the database decides. One whose run is over counts
      // too: a limit or a paused queue may keep it, which the statement alone knows.
      const unfinished = tasks.filter(({ task }) => !isFinal(task.status));
      const isReserved = await quota
        .tryReserve(unfinished.map(({ task }) => task))
        .catch(() => true);
      if (!isReserved) return tasks.map(() => 'too_many_unfinished');
      const fits = await bytesQuota.tryReserve(tasks.map(({ task }) => task)).catch(() => true);
      if (!fits) return tasks.map(() => 'too_many_bytes');
      if (waiting.length + tasks.length > MAX_WAITING) return tasks.map(() => 'overloaded');
      const answers = tasks.map(
        (encoded) => new Promise<Acceptance>((answer) => void waiting.push({ ...encoded, answer })),
      );
      if (!isDraining) void drain();
      return Promise.all(answers);
    },
  };
};
