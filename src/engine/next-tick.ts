import { SLICE_MS } from '../domain/limit.ts';
import type { NextWake, QueueDue } from '../store/due.ts';

/**
 * Between two ticks for what may be late: a late task can wait for others too, and a sweep costs.
 */
const MIN_PAUSE_MS = 1_000;
/**
 * While anything is live the clock ticks at least this often, so claims and retries need not set
 * its alarm.
 */
const MAX_PAUSE_MS = 60_000;
/** While messages wait in a queue it is asked this often whether any of them were lost. */
const LOOK_EVERY_MS = 5_000;

/**
 * When to tick next (ms): exactly when something is due, and within a minute while anything is live.
 * @param lastWakeupAt when somebody asked for the clock last
 */
export const computeNextTick = (due: NextWake, now: number, lastWakeupAt: number): number => {
  const {
    queues,
    deliveryAt,
    outsideTimeAt,
    outsideLateAt,
    scheduleAt,
    limitAt,
    expiryAt,
    flowAt,
  } = due;
  const earliest = (find: (queue: QueueDue) => number | null): number =>
    Math.min(...queues.map((queue) => find(queue) ?? Infinity));
  const leaseAt = Math.min(
    earliest(({ lease_at }) => lease_at),
    outsideLateAt ?? Infinity,
  );
  const messageAt = earliest(({ message_at }) => message_at);
  const hasParked = queues.some(({ has_parked }) => has_parked === 1);
  // Parked tasks are live too: should the caller who resumed their queue have died before the
  // alarm was set, the clock finds out. And a caller who has just asked for the clock may still
  // be writing the row: no statement takes a minute.
  const isLive =
    Math.min(leaseAt, messageAt) < Infinity ||
    hasParked ||
    due.hasForWorkers ||
    due.hasLimited ||
    now < lastWakeupAt + MAX_PAUSE_MS;
  const live = isLive ? now + MAX_PAUSE_MS : Infinity;
  const lookAt = messageAt <= now ? now + LOOK_EVERY_MS : messageAt;
  const late = Math.min(
    lookAt,
    leaseAt,
    deliveryAt ?? Infinity,
    expiryAt ?? Infinity,
    flowAt ?? Infinity,
  );
  // What waits for its time is due on time.
  return Math.min(
    earliest(({ time_at }) => time_at),
    outsideTimeAt ?? Infinity,
    scheduleAt ?? Infinity,
    // What could not be let go must not keep the clock busy.
    Math.max(limitAt ?? Infinity, now + SLICE_MS),
    Math.max(late, now + MIN_PAUSE_MS),
    live,
  );
};
