import { parseAttempts } from './attempts.ts';
import type { deliveriesTable } from '../schema/deliveries.ts';
import type { Task } from './task.ts';

/**
 * A delivery of a final status: the row as stored, whatever became of it. Times are integer
 * milliseconds.
 */
export type Delivery = typeof deliveriesTable.$inferSelect;

/** The primary key of a delivery: one final transition of a task (its version), and one sink. */
export type DeliveryKey = Pick<Delivery, 'owner' | 'task_id' | 'version' | 'sink'>;

/** How a try ended. `final`: it is of no use to try again. */
export type DeliveryResult =
  | { kind: 'delivered' }
  | {
      kind: 'failed';
      error: string;
      final?: boolean;
      /** After so many tries another one is of no use: it was an answer, and will be the same. */
      mostTries?: number;
      retryAfterMs?: number | undefined;
    }
  /** Not tried: it may be at `until` (ms). */
  | { kind: 'postponed'; until: number };

/** A delivery whose hand-over was lost is looked at again after this long. */
export const DELIVERY_RESEND_MS = 5_000;
/** A webhook secret goes on for this long after the next one has begun. */
export const WEBHOOK_OVERLAP_MS = 24 * 3_600_000;
const BASE_MS = 5_000;
const MAX_MS = 3_600_000;
const GIVE_UP_AFTER_MS = 24 * 3_600_000;

/**
 * The same at every try: receivers tell repetitions by it. No `.`, which separates what is signed.
 */
export const toDeliveryId = ({ task_id, version, sink }: DeliveryKey): string =>
  `${task_id}:${version}:${sink}`;

/**
 * When to try again, in ms: 5 s, doubling up to an hour, half of it jitter; null when the day is
 * over.
 */
export const computeNextTry = (
  { tries, owed_at }: Pick<Delivery, 'tries' | 'owed_at'>,
  retryAfterMs: number,
  now: number,
  random: () => number,
): number | null => {
  const backoff = Math.min(MAX_MS, BASE_MS * 2 ** (tries - 1));
  const at = Math.round(
    // Never before the receiver's own word, however long that is.
    now + Math.max(retryAfterMs, backoff * (0.5 + random() / 2)),
  );
  return at > owed_at + GIVE_UP_AFTER_MS ? null : at;
};

/**
 * The task as it was at the transition that is delivered, though it may have been run again since;
 * its words are today's.
 */
export const snapshotAt = (task: Task, { version, status, attempt, owed_at }: Delivery): Task => {
  const attempts = parseAttempts(task).filter((entry) => entry.attempt <= attempt);
  const started_at = attempts.findLast((entry) => entry.attempt === attempt)?.started_at ?? null;
  // A rerun raises it; the first run had the budget that the task was submitted with.
  const max_attempts = attempt <= task.attempt_budget ? task.attempt_budget : task.max_attempts;
  const result = status === 'COMPLETED' ? task.result : null;
  const was = {
    version,
    status,
    attempt,
    started_at,
    max_attempts,
    completed_at: owed_at,
    updated_at: owed_at,
    result,
  };
  return { ...task, ...was, attempts: JSON.stringify(attempts) };
};
