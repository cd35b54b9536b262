import type { Attempt, FINAL_STATUSES, Task } from './task.ts';

/** Where a notification goes: to the task's own `callback_url`, or to whom the operator named for every failure. */
export const SINKS = ['callback', 'failure_webhook', 'failure_email'] as const;
export type DeliverySink = (typeof SINKS)[number];

export const DELIVERY_STATES = ['OPEN', 'DELIVERED', 'GIVEN_UP'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** What names a delivery: one final transition of a task (its version), and one sink. */
export interface DeliveryKey {
  owner: string;
  task_id: string;
  version: number;
  sink: DeliverySink;
}

/** A notification that is or was owed, as stored; times are integer milliseconds. */
export interface Delivery extends DeliveryKey {
  /** The status that is told, and the attempt that led to it: the task may have been run again since. */
  status: (typeof FINAL_STATUSES)[number];
  attempt: number;
  state: DeliveryState;
  /** How many times it has been tried: also the fence of a try. */
  tries: number;
  /** When the task ended. */
  owed_at: number;
  /** Not to be tried before. */
  due_at: number;
  /** When somebody must look if nothing else happened; null once it has ended. */
  wake_at: number | null;
  ended_at: number | null;
  last_error: string | null;
}

/** How a try ended. `final`: it is of no use to try again. */
export type DeliveryResult =
  | { kind: 'delivered' }
  | { kind: 'failed'; error: string; final?: boolean; retryAfterMs?: number | undefined };

/** A delivery whose hand-over was lost is looked at again after this long. */
export const DELIVERY_RESEND_MS = 5_000;
const BASE_MS = 5_000;
const MAX_MS = 3_600_000;
const GIVE_UP_AFTER_MS = 24 * 3_600_000;

/** The same at every try: receivers tell repetitions by it. No `.`, which separates what is signed. */
export const toDeliveryId = ({ task_id, version, sink }: DeliveryKey): string =>
  `${task_id}:${version}:${sink}`;

/** When to try again, in ms: 5 s, doubling up to an hour, half of it jitter; null when the day is over. */
export const computeNextTry = (
  { tries, owed_at }: Pick<Delivery, 'tries' | 'owed_at'>,
  retryAfterMs: number,
  now: number,
  random: () => number,
): number | null => {
  const backoff = Math.min(MAX_MS, BASE_MS * 2 ** (tries - 1));
  const at = Math.round(
    now + Math.max(Math.min(retryAfterMs, MAX_MS), backoff * (0.5 + random() / 2)),
  );
  return at > owed_at + GIVE_UP_AFTER_MS ? null : at;
};

/** The task as it was at the transition that is told, though it may have been run again since; its words are today's. */
export const snapshotAt = (task: Task, { version, status, attempt, owed_at }: Delivery): Task => {
  const attempts = (JSON.parse(task.attempts) as Attempt[]).filter(
    (entry) => entry.attempt <= attempt,
  );
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
