import type { DeliveryKey } from '../domain/delivery.ts';
import { describeError } from '../domain/errors.ts';
import { MAX_LEASE_MS } from '../domain/lifecycle.ts';
import type { Task } from '../domain/task.ts';
import type { Logger } from '../log.ts';
import type { NextWake } from '../store/due.ts';
import type { Look } from '../store/look.ts';
import type { Sweeps } from '../store/sweeps.ts';
import { findLimitKeys, type LimitAdmission } from './admission.ts';
import type { DatabaseSize } from './database-size.ts';
import type { FlowRelease } from './flow-release.ts';
import type { KeptRecordings } from './kept-recordings.ts';
import { computeNextTick } from './next-tick.ts';
import { createPruner, type PrunerDeps } from './pruner.ts';
import type { LimitSweep } from './limit-sweep.ts';
import type { Publish } from './publisher.ts';
import type { TaskQueues } from './task-queues.ts';
import { createWatermarks } from './watermarks.ts';

/** Rows of each kind that one sweep moves. */
const SWEEP_LIMIT = 500;
/** After a crash, or while the database does not answer, it tries again in this time. */
const RETRY_MS = 5_000;
/** What is kept for an owner that is being moved is tried again in this time. */
const KEPT_MS = 1_000;

export interface ClockDeps extends PrunerDeps {
  sweeps: Sweeps;
  databaseSize: Pick<DatabaseSize, 'note' | 'getUsedPart'>;
  kept: Pick<KeptRecordings, 'flush'>;
  taskQueues: Pick<TaskQueues, 'enqueue' | 'metrics'>;
  /** Sends open deliveries to their queue; never throws. */
  sendDeliveries(keys: readonly DeliveryKey[]): Promise<void>;
  admission: Pick<LimitAdmission, 'admit'>;
  limits: Pick<LimitSweep, 'findKeys'>;
  /** Lets tasks of flows go that were forgotten; returns whether there may be more. */
  releaseDue(): Promise<boolean>;
  /** After these have ended. */
  releaseAfter: FlowRelease['releaseAfter'];
  /** Submits what schedules say, and moves them on; returns whether there may be more. */
  fireSchedules(): Promise<boolean>;
  /** Fails the attempts of runs outside whose time is over. */
  expireRuns(tasks: readonly Task[]): Promise<void>;
  publish: Publish;
  alarm: Pick<DurableObjectStorage, 'getAlarm' | 'setAlarm' | 'deleteAlarm'>;
  now(): number;
  log: Logger;
}

/** Brings back what was not looked at in time, by the alarm of the Dispatcher. */
export const createClock = (deps: ClockDeps) => {
  const { sweeps, taskQueues, publish, admission, limits, alarm, now, log } = deps;
  const pruner = createPruner(deps);
  const watermarks = createWatermarks(deps);
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

  /** In which queues a message may be lost, and until when it was sent. */
  const findLooks = async ({ queues }: NextWake): Promise<Look[]> => {
    const late = queues.filter(({ message_at }) => message_at !== null && message_at <= now());
    const looks = late.map(async ({ queue, is_paused, message_at }) => {
      // Claims of a paused queue are refused: what is told to run there is parked.
      const until = is_paused === 1 ? now() : await watermarks.find(queue);
      return until >= (message_at ?? Infinity) ? { queue, until: Math.min(until, now()) } : [];
    });
    return (await Promise.all(looks)).flat();
  };

  /** Whether a sweep has anything to move besides what `looks` name. */
  const isDue = ({ queues, outsideTimeAt, outsideLateAt, ...more }: NextWake): boolean =>
    Math.min(
      more.expiryAt ?? Infinity,
      more.deliveryAt ?? Infinity,
      outsideTimeAt ?? Infinity,
      outsideLateAt ?? Infinity,
      ...queues.flatMap(({ time_at, lease_at }) => [time_at ?? Infinity, lease_at ?? Infinity]),
    ) <= now() || queues.some(({ is_paused, has_parked }) => is_paused === 0 && has_parked === 1);

  /** Moves what is due and sends it; returns what is due next. */
  const sweep = async (): Promise<{ hasMore: boolean; due: NextWake }> => {
    const due = await sweeps.readNextWake();
    deps.databaseSize.note(due.databaseBytes);
    const mayFire = (due.scheduleAt ?? Infinity) <= now();
    // First of all, for they say when.
    const hasSchedules = mayFire && (await deps.fireSchedules());
    const mayRelease = (due.flowAt ?? Infinity) <= now();
    const hasFlows = mayRelease && (await deps.releaseDue());
    const { keys, hasMore: hasLimits } = await limits.findKeys(due);
    const looks = await findLooks(due);
    if (looks.length === 0 && !isDue(due)) {
      await taskQueues.enqueue(await admission.admit(keys));
      const isChanged = mayFire || mayRelease || keys.length > 0;
      const after = isChanged ? await sweeps.readNextWake() : due;
      return { hasMore: hasSchedules || hasLimits || hasFlows, due: after };
    }
    // Whoever runs a task renews its lease first, once the database answers again.
    const mayRescue = now() < outageAt || now() > outageAt + MAX_LEASE_MS;
    const swept = await sweeps.sweep(now(), SWEEP_LIMIT, looks, mayRescue);
    const { dispatched, rescued, lost, overdue, unparked, parked, deliveries } = swept;
    const { timedOut, expired, unbegun } = swept;
    const moved = [...dispatched, ...rescued, ...lost, ...expired, ...unbegun];
    const runnable = moved.filter(({ status, held }) => status === 'PENDING' && held === null);
    const admitted = await admission.admit([...keys, ...findLimitKeys([...moved, ...unparked])]);
    const released = unparked.filter(({ held }) => held === null);
    await taskQueues.enqueue([...runnable, ...released, ...overdue, ...admitted]);
    await publish(moved);
    await deps.releaseAfter(moved);
    await deps.expireRuns(timedOut);
    await deps.sendDeliveries(deliveries);
    const counts = {
      dispatched: dispatched.length,
      rescued: rescued.length,
      lost: lost.length,
      resent: overdue.length,
      parked,
      unparked: unparked.length,
      timed_out: timedOut.length,
      expired: expired.length,
      unbegun: unbegun.length,
      deliveries: deliveries.length,
    };
    if (Object.values(counts).some((n) => n > 0)) log.info('swept', counts);
    const hasMore =
      hasSchedules ||
      hasLimits ||
      hasFlows ||
      [...Object.values(counts), swept.looked].some((n) => n >= SWEEP_LIMIT);
    return { hasMore, due: hasMore ? due : await sweeps.readNextWake() };
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
      // First of all, so that a crash below costs seconds and not the clock.
      const before = wakeups;
      await setAlarm(now() + RETRY_MS);
      try {
        const isKept = await deps.kept.flush();
        const { hasMore, due } = await sweep();
        const next =
          hasMore || (await pruner.prune()) ? now() : computeNextTick(due, now(), lastWakeupAt);
        const at = isKept ? Math.min(next, now() + KEPT_MS) : next;
        if (wakeups === before) await setAlarm(at);
        else await ensureAlarmBy(at);
      } catch (error) {
        outageAt = now();
        log.error('sweep_failed', { error: describeError(error) });
        await ensureAlarmBy(now() + RETRY_MS);
      }
    },
  };
};
