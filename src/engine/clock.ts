import type { DeliveryKey } from '../domain/delivery.ts';
import { describeError } from '../domain/errors.ts';
import { MAX_LEASE_MS } from '../domain/lifecycle.ts';
import type { QueueName } from '../domain/routing.ts';
import type { Logger } from '../log.ts';
import type { Overdue, Sweeps } from '../store/sweeps.ts';
import type { DatabaseSize } from './database-size.ts';
import type { KeptRecordings } from './kept-recordings.ts';
import { createPruner, type PrunerDeps } from './pruner.ts';
import type { Publish } from './publisher.ts';
import type { TaskQueues } from './task-queues.ts';

/** Rows of each kind that one sweep moves. */
const SWEEP_LIMIT = 500;
/**
 * Between two ticks for what may be late: a late task can wait for others too, and a sweep costs.
 */
const MIN_PAUSE_MS = 1_000;
/**
 * While anything is live the clock ticks at least this often, so claims and retries need not set
 * its alarm.
 */
const MAX_PAUSE_MS = 60_000;
/**
 * A queue with a longer backlog than this lacks no task that could be named: counting further would
 * cost more.
 */
const MAX_COUNTED_BACKLOG = 10_000;

/** While outcomes are kept the database is tried this often. */
const KEPT_RETRY_MS = 5_000;

export interface ClockDeps extends PrunerDeps {
  sweeps: Sweeps;
  databaseSize: Pick<DatabaseSize, 'note' | 'getUsedPart'>;
  kept: Pick<KeptRecordings, 'flush' | 'hasAny'>;
  taskQueues: TaskQueues;
  /** Sends open deliveries to their queue; never throws. */
  sendDeliveries(keys: readonly DeliveryKey[]): Promise<void>;
  publish: Publish;
  alarm: Pick<DurableObjectStorage, 'getAlarm' | 'setAlarm' | 'deleteAlarm'>;
  now(): number;
  log: Logger;
}

/** Brings back what was not looked at in time, by the alarm of the Dispatcher. */
export const createClock = (deps: ClockDeps) => {
  const { sweeps, taskQueues, publish, alarm, now, log } = deps;
  const pruner = createPruner(deps);
  /** When the alarm goes off; undefined until it is read, Infinity when it is not set. */
  let alarmAt: number | undefined;
  /** Counts calls, so that a tick which one overtook does not postpone the alarm. */
  let wakeups = 0;
  let lastWakeupAt = -Infinity;
  /** When the database did not answer last. */
  let outageAt = -Infinity;

  const setAlarm = async (at: number): Promise<void> => {
    alarmAt = at;
    try {
      await (at === Infinity ? alarm.deleteAlarm() : alarm.setAlarm(at));
    } catch (error) {
      alarmAt = undefined;
      throw error;
    }
  };

  /** Makes sure that the clock ticks at `at` or before: an alarm is only ever moved earlier. */
  const ensureAlarmBy = async (at: number): Promise<void> => {
    wakeups += 1;
    lastWakeupAt = now();
    if (alarmAt === undefined) {
      const found = (await alarm.getAlarm()) ?? Infinity;
      alarmAt = Math.min(alarmAt ?? Infinity, found);
    }
    if (at < alarmAt) await setAlarm(at);
    // One that is past may be about to go off, or gone: the clock neither relies on it nor
    // postpones it.
    else if (alarmAt <= now()) await setAlarm(now());
  };

  /**
   * Which overdue tasks to send again. A long backlog must not breed copies of itself, so per queue
   * no more than the tasks that wait by the table and are missing from the queue.
   */
  const findMissing = async (
    overdue: readonly Overdue[],
    justSent: ReadonlyMap<string, number>,
  ): Promise<Overdue[]> => {
    const findInQueue = async (queue: string, rows: Overdue[]): Promise<Overdue[]> => {
      const { tasks } = await taskQueues.metrics(queue as QueueName);
      if (tasks > MAX_COUNTED_BACKLOG) return [];
      const held = tasks + (justSent.get(queue) ?? 0);
      const waiting = await sweeps.countWaiting(queue, held + rows.length);
      return rows.slice(0, Math.max(0, waiting - held));
    };
    const byQueue = Map.groupBy(overdue, ({ queue }) => queue);
    return (
      await Promise.all([...byQueue].map(([queue, rows]) => findInQueue(queue, rows)))
    ).flat();
  };

  /** Moves what is due and sends it; true when there may be more of it. */
  const sweep = async (): Promise<boolean> => {
    // Whoever runs a task renews its lease first, once the database answers again.
    const mayRescue = now() < outageAt || now() > outageAt + MAX_LEASE_MS;
    const swept = await sweeps.sweep(now(), SWEEP_LIMIT, mayRescue);
    const { dispatched, rescued, lost, overdue, unparked, parked, deliveries } = swept;
    deps.databaseSize.note(swept.databaseBytes);
    const returned = [...dispatched, ...rescued, ...unparked];
    const byQueue = Map.groupBy(returned, ({ queue }) => queue);
    const justSent = new Map([...byQueue].map(([queue, rows]) => [queue, rows.length]));
    const resent = await findMissing(overdue, justSent);
    await taskQueues.enqueue([...returned, ...resent]);
    await publish([...dispatched, ...rescued, ...lost]);
    await deps.sendDeliveries(deliveries);
    const counts = {
      dispatched: dispatched.length,
      rescued: rescued.length,
      lost: lost.length,
      resent: resent.length,
      parked,
      unparked: unparked.length,
      deliveries: deliveries.length,
    };
    if (returned.length + lost.length + resent.length + deliveries.length > 0)
      log.info('swept', counts);
    return Object.values({ ...counts, overdue: overdue.length }).some((n) => n >= SWEEP_LIMIT);
  };

  /**
   * When to tick next: exactly when something is due, and within a minute while anything is live.
   */
  const computeNextTick = async (): Promise<number> => {
    const { NEW, PENDING, IN_PROGRESS, DELIVERY, PARKED } = await sweeps.readNextWake();
    // Parked tasks are live too: should the caller who resumed their queue have died before the
    // alarm was set, the clock finds out. And a caller who has just asked for the clock may still
    // be writing the row: no statement takes a minute.
    const isLive =
      PENDING !== null ||
      IN_PROGRESS !== null ||
      PARKED === 1 ||
      now() < lastWakeupAt + MAX_PAUSE_MS;
    const live = isLive ? now() + MAX_PAUSE_MS : Infinity;
    const late = Math.min(PENDING ?? Infinity, IN_PROGRESS ?? Infinity, DELIVERY ?? Infinity);
    // Scheduled tasks are due on time.
    return Math.min(NEW ?? Infinity, Math.max(late, now() + MIN_PAUSE_MS), live);
  };

  return {
    ensureAlarmBy,

    /** The database did not answer somebody. */
    noteOutage: (): void => void (outageAt = now()),

    /**
     * The alarm went off, or the cron asks: sweeps and sets the alarm for what comes next; none
     * when nothing is left. Throws only if the alarm cannot be set, for then the platform's own
     * repetition is the last resort.
     */
    async tick(): Promise<void> {
      // First of all, so that a crash below costs a minute and not the clock.
      const before = wakeups;
      await setAlarm(now() + MAX_PAUSE_MS);
      try {
        await deps.kept.flush();
        const hasMore = (await sweep()) || (await pruner.prune());
        const next = hasMore ? now() : await computeNextTick();
        if (wakeups === before) await setAlarm(next);
        else await ensureAlarmBy(next);
      } catch (error) {
        outageAt = now();
        log.error('sweep_failed', { error: describeError(error) });
        if (deps.kept.hasAny()) await ensureAlarmBy(now() + KEPT_RETRY_MS);
      }
    },
  };
};
