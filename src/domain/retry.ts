import type { Task, TaskError } from './task.ts';

/** How a type is retried: exponential back-off with full jitter. */
export interface RetryPolicy {
  maxAttempts: number;
  baseSeconds: number;
  maxSeconds: number;
}

/** How one attempt ended; the verdict on what follows is not yet made. `result` is JSON. */
export type Outcome =
  | { kind: 'completed'; result: string }
  | { kind: 'failed'; error: TaskError; retryable: boolean; retryAfterMs?: number };

/** The verdict on an outcome: the name of the transition and its values. */
export type Verdict =
  | { transition: 'complete'; result: string }
  | { transition: 'fail'; error: TaskError }
  | { transition: 'reschedule'; error: TaskError; delayMs: number };

/** A delay may be this long at most: a year, as for `delay_seconds`. */
const MAX_DELAY_MS = 365 * 24 * 3_600_000;

/**
 * Full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/): anything
 * between nothing and base × 2^(attempt - 1), so that tasks which failed together do not come back
 * together.
 */
export const computeBackoffMs = (
  { baseSeconds, maxSeconds }: RetryPolicy,
  attempt: number,
  random: () => number,
): number => Math.round(random() * 1_000 * Math.min(maxSeconds, baseSeconds * 2 ** (attempt - 1)));

/** Attempts are left while `attempt < max_attempts + rescues`: a rescue does not use one up. */
export const hasAttemptsLeft = (
  task: Pick<Task, 'attempt' | 'max_attempts' | 'rescues'>,
): boolean => task.attempt < task.max_attempts + task.rescues;

export const decideVerdict = (
  outcome: Outcome,
  task: Pick<Task, 'attempt' | 'max_attempts' | 'rescues'>,
  policy: RetryPolicy,
  random: () => number,
): Verdict => {
  if (outcome.kind === 'completed') return { transition: 'complete', result: outcome.result };
  if (!outcome.retryable || !hasAttemptsLeft(task))
    return { transition: 'fail', error: outcome.error };
  const delayMs = outcome.retryAfterMs ?? computeBackoffMs(policy, task.attempt, random);
  return {
    transition: 'reschedule',
    error: outcome.error,
    delayMs: Math.min(Math.max(delayMs, 0), MAX_DELAY_MS),
  };
};

const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/**
 * A `Retry-After` header, in seconds or as a date (RFC 9110), as ms from now. Undefined when it
 * says nothing that can be understood, or nothing but "now": then a back-off does better.
 */
export const parseRetryAfter = (header: string | null, now: number): number | undefined => {
  const text = header?.trim() ?? '';
  const ms = /^\d{1,9}$/.test(text)
    ? Number(text) * 1_000
    : HTTP_DATE.test(text)
      ? Date.parse(text) - now
      : 0;
  return ms > 0 ? ms : undefined;
};
