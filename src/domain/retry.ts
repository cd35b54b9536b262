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
  /** It is not over: whoever it was handed to will tell how it ended. */
  | { kind: 'handed_over' }
  /** It is not over: it goes on from the checkpoint, which is JSON. */
  | { kind: 'continued'; checkpoint: string }
  /** It asked to be run later. */
  | { kind: 'snoozed'; delayMs: number; checkpoint?: string }
  | {
      kind: 'failed';
      error: TaskError;
      retryable: boolean;
      retryAfterMs?: number;
      /** It was not the task's fault: the attempt does not count. */
      refund?: true;
      /** Where another run would go on; JSON. */
      checkpoint?: string;
      /** Where it was thrown, for the owner alone. */
      stack?: string;
    };

/** An outcome of an attempt that is over. */
export type EndedOutcome = Exclude<Outcome, { kind: 'handed_over' }>;

/** The verdict on an outcome: the name of the transition and its values. */
export type Verdict =
  | { transition: 'complete'; result: string }
  | { transition: 'fail'; error: TaskError; checkpoint?: string; stack?: string }
  | {
      transition: 'reschedule';
      /** Null for one that goes on. */
      error: TaskError | null;
      delayMs: number;
      refund?: true;
      checkpoint?: string;
      stack?: string;
      /** It asked for it. */
      isSnoozed?: true;
    };

/** So often in a row a task may ask to be run later. */
const MAX_SNOOZES = 100;

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
  outcome: EndedOutcome,
  task: Pick<Task, 'attempt' | 'max_attempts' | 'rescues' | 'snoozes'>,
  policy: RetryPolicy,
  random: () => number,
): Verdict => {
  if (outcome.kind === 'completed') return { transition: 'complete', result: outcome.result };
  if (outcome.kind === 'continued') {
    const { checkpoint } = outcome;
    return { transition: 'reschedule', error: null, delayMs: 0, refund: true, checkpoint };
  }
  const toDelay = (ms: number): number => Math.min(Math.max(ms, 0), MAX_DELAY_MS);
  if (outcome.kind === 'snoozed') {
    const { delayMs, checkpoint } = outcome;
    const more = checkpoint === undefined ? {} : { checkpoint };
    if (task.snoozes < MAX_SNOOZES)
      return {
        transition: 'reschedule',
        error: null,
        delayMs: toDelay(delayMs),
        refund: true,
        isSnoozed: true,
        ...more,
      };
    const message = `It asked to be run later ${MAX_SNOOZES} times in a row`;
    return { transition: 'fail', error: { code: 'snoozed_too_often', message }, ...more };
  }
  const { error, checkpoint, stack } = outcome;
  const more = {
    ...(checkpoint !== undefined && { checkpoint }),
    ...(stack !== undefined && { stack }),
  };
  if (!outcome.refund && (!outcome.retryable || !hasAttemptsLeft(task)))
    return { transition: 'fail', error, ...more };
  const delayMs = outcome.retryAfterMs ?? computeBackoffMs(policy, task.attempt, random);
  return {
    transition: 'reschedule',
    error,
    delayMs: toDelay(delayMs),
    ...(outcome.refund && { refund: true }),
    ...more,
  };
};

/**
 * The three forms of a date in HTTP (https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7): the
 * usual one, that of RFC 850 and that of C. All are in UTC.
 */
const HTTP_DATES = [
  /^[A-Z][a-z]{2}, (?<day>\d{2}) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) (?<time>\d{2}:\d{2}:\d{2}) GMT$/,
  /^[A-Z][a-z]{5,8}, (?<day>\d{2})-(?<month>[A-Z][a-z]{2})-(?<year>\d{2}) (?<time>\d{2}:\d{2}:\d{2}) GMT$/,
  /^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[\d ]\d) (?<time>\d{2}:\d{2}:\d{2}) (?<year>\d{4})$/,
];

/** A year of two digits is at most 50 years ahead, as RFC 9110 asks for. */
const completeYear = (year: string, now: number): number => {
  if (year.length === 4) return Number(year);
  const present = new Date(now).getUTCFullYear();
  const near = present - (present % 100) + Number(year);
  return near > present + 50 ? near - 100 : near < present - 49 ? near + 100 : near;
};

/** A date of HTTP as ms; undefined when it is none. */
export const parseHttpDate = (text: string, now: number): number | undefined => {
  for (const form of HTTP_DATES) {
    const { day, month, year, time } = form.exec(text)?.groups ?? {};
    if (year === undefined) continue;
    const at = Date.parse(`${day?.trim()} ${month} ${completeYear(year, now)} ${time} GMT`);
    return Number.isNaN(at) ? undefined : at;
  }
  return undefined;
};

/**
 * A `Retry-After` header, in seconds or as a date (RFC 9110), as ms from now, a year at most.
 * Undefined when it says nothing that can be understood, or nothing but "now": then a back-off does
 * better.
 */
export const parseRetryAfter = (header: string | null, now: number): number | undefined => {
  const text = header?.trim() ?? '';
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : (parseHttpDate(text, now) ?? now) - now;
  return ms > 0 ? Math.min(ms, MAX_DELAY_MS) : undefined;
};
