import type { Publish } from './publisher.ts';
import { describeError } from '../domain/errors.ts';
import type { DeliveryKey } from '../domain/delivery.ts';
import type { QueueName } from '../domain/routing.ts';
import type { Logger } from '../log.ts';
import type { Overdue, Sweeps } from '../store/sweeps.ts';
import type { TaskStore } from '../store/tasks.ts';
import type { TaskQueues } from './task-queues.ts';

/** Rows of each kind that one sweep moves. */
const SWEEP_LIMIT = 500;
/** Rows deleted at a time for being old: few, so that nobody waits for it. */
const PRUNE_LIMIT = 200;
/** It reads the old rows that it may not delete yet, so it is not done at every strike. */
const PRUNE_EVERY_MS = 3_600_000;
/** Between two strikes for what may be late: whoever is late waits for others too, and a sweep costs. */
const MIN_PAUSE_MS = 1_000;
/** While anything is live the clock strikes at least this often, so claims and retries need not wind it. */
const MAX_PAUSE_MS = 60_000;
/** A queue with a longer backlog than this lacks nothing that could be told: counting further would cost more. */
const MAX_COUNTED_BACKLOG = 10_000;

export interface ClockDeps {
  sweeps: Sweeps;
  store: Pick<TaskStore, 'prune'>;
  /** Tasks are deleted this long after their end; 0 keeps them. */
  retentionMs: number;
  taskQueues: TaskQueues;
  /** Hands open deliveries to their queue; never throws. */
  sendDeliveries(keys: readonly DeliveryKey[]): Promise<void>;
  publish: Publish;
  alarm: Pick<DurableObjectStorage, 'getAlarm' | 'setAlarm' | 'deleteAlarm'>;
  now(): number;
  log: Logger;
}

/** Brings back whatever nobody has looked at in time, by the alarm of the Dispatcher. */
export const createClock = (parts: ClockDeps) => {
  const { sweeps, store, taskQueues, publish, alarm, now, log } = parts;
  /** When the alarm goes off; undefined until asked, Infinity when it is not set. */
  let alarmAt: number | undefined;
  let pruneAt = -Infinity;
  /** How often somebody asked for the clock: a strike that was overtaken must not put it off. */
  let wakeups = 0;
  let lastWakeupAt = -Infinity;

  const arm = async (at: number): Promise<void> => {
    alarmAt = at;
    try {
      await (at === Infinity ? alarm.deleteAlarm() : alarm.setAlarm(at));
    } catch (error) {
      alarmAt = undefined;
      throw error;
    }
  };

  /** Makes sure that the clock strikes at `at` or before: an alarm is only ever moved earlier. */
  const ensureAlarmBy = async (at: number): Promise<void> => {
    wakeups += 1;
    lastWakeupAt = now();
    if (alarmAt === undefined) {
      const found = (await alarm.getAlarm()) ?? Infinity;
      alarmAt = Math.min(alarmAt ?? Infinity, found);
    }
    if (at < alarmAt) await arm(at);
    // One that is past may be on its way here, or gone: it is neither relied upon nor put off.
    else if (alarmAt <= now()) await arm(now());
  };

  /**
   * Which overdue tasks to send again. A long backlog must not breed copies of itself, so per queue no more than
   * what is waiting by the table and missing from the queue.
   */
  const missing = async (
    overdue: readonly Overdue[],
    justSent: ReadonlyMap<string, number>,
  ): Promise<Overdue[]> => {
    const perQueue = [...Map.groupBy(overdue, ({ queue }) => queue)].map(async ([queue, rows]) => {
      const { tasks } = await taskQueues.metrics(queue as QueueName);
      if (tasks > MAX_COUNTED_BACKLOG) return [];
      const held = tasks + (justSent.get(queue) ?? 0);
      const waiting = await sweeps.waiting(queue, held + rows.length);
      return rows.slice(0, Math.max(0, waiting - held));
    });
    return (await Promise.all(perQueue)).flat();
  };

  /** Moves what is due and sends it; true when there may be more of it. */
  const sweep = async (): Promise<boolean> => {
    const { dispatched, rescued, lost, overdue, unparked, parked, owed } = await sweeps.sweep(
      now(),
      SWEEP_LIMIT,
    );
    const returned = [...dispatched, ...rescued, ...unparked];
    const perQueue = new Map(
      [...Map.groupBy(returned, ({ queue }) => queue)].map(([queue, rows]) => [queue, rows.length]),
    );
    const resent = await missing(overdue, perQueue);
    await taskQueues.enqueue([...returned, ...resent]);
    await publish([...dispatched, ...rescued, ...lost]);
    await parts.sendDeliveries(owed);
    const counts = {
      dispatched: dispatched.length,
      rescued: rescued.length,
      lost: lost.length,
      resent: resent.length,
      parked,
      unparked: unparked.length,
      deliveries: owed.length,
    };
    if (returned.length + lost.length + resent.length + owed.length > 0) log.info('swept', counts);
    return Object.values({ ...counts, overdue: overdue.length }).some(
      (count) => count >= SWEEP_LIMIT,
    );
  };

  /** Now and then deletes a chunk of what is past its retention; true when there may be more of it. */
  const prune = async (): Promise<boolean> => {
    if (parts.retentionMs === 0 || now() < pruneAt) return false;
    pruneAt = now() + PRUNE_EVERY_MS;
    const pruned = await store.prune(now() - parts.retentionMs, PRUNE_LIMIT);
    if (pruned > 0) log.info('pruned', { tasks: pruned });
    if (pruned < PRUNE_LIMIT) return false;
    pruneAt = now();
    return true;
  };

  /** When to strike next: exactly when something is due, and within a minute while anything is live. */
  const nextStrike = async (): Promise<number> => {
    const { NEW, PENDING, IN_PROGRESS, DELIVERY, PARKED } = await sweeps.nextWake();
    // Parked tasks too: should whoever resumed their queue have died before winding the clock, it finds out. And
    // whoever has just wound it may still be writing the row: no statement takes a minute.
    const isLive =
      PENDING !== null ||
      IN_PROGRESS !== null ||
      PARKED === 1 ||
      now() < lastWakeupAt + MAX_PAUSE_MS;
    const live = isLive ? now() + MAX_PAUSE_MS : Infinity;
    const late = Math.min(PENDING ?? Infinity, IN_PROGRESS ?? Infinity, DELIVERY ?? Infinity);
    // What was scheduled is due on time.
    return Math.min(NEW ?? Infinity, Math.max(late, now() + MIN_PAUSE_MS), live);
  };

  return {
    ensureAlarmBy,

    /**
     * The alarm went off, or somebody pokes: sweeps and sets the alarm for what comes next; none when nothing is owed.
     * Throws only if the alarm cannot be set, for then the platform's own repetition is the last hope.
     */
    async tick(): Promise<void> {
      // First of all, so that a crash below costs a minute and not the clock.
      const before = wakeups;
      await arm(now() + MAX_PAUSE_MS);
      try {
        const hasMore = (await sweep()) || (await prune());
        const next = hasMore ? now() : await nextStrike();
        if (wakeups === before) await arm(next);
        else await ensureAlarmBy(next);
      } catch (error) {
        log.error('sweep_failed', { error: describeError(error) });
      }
    },
  };
};
