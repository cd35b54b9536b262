import type { Limit } from './limit.ts';
import { FOR_EVER } from './registered-type.ts';
import type { CommittedTask } from './task.ts';

/** How a task stands with its limit. */
export interface WaitingForLimit {
  key: string;
  sub_key: string | null;
  /** Tasks that run under it, … */
  running: number;
  /** … of so many; null: any number. */
  of: number | null;
  /** 1: the next, as far as that is known. */
  position: number;
}

/** How a limit stands that holds a task, as its store reads it. */
export interface LimitWait extends Limit {
  tokens_now: number | null;
  running: number;
  sub_running: number;
  /** Tasks of the same sub-key that come before. */
  before: number;
  /** Those of others. */
  others: number;
  /** Tasks that begin in a second. */
  pace: number | null;
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** In how many seconds a task begins, by what is allowed and what was seen; null: unknown. */
const estimateSeconds = (wait: LimitWait, position: number): number | null => {
  const { rate_count, rate_ms, tokens_now, pace } = wait;
  const byRate =
    rate_count === null || rate_ms === null
      ? 0
      : (Math.max(0, position - (tokens_now ?? 0)) * rate_ms) / rate_count / 1_000;
  // A key that only its rate holds goes as fast as that.
  if (wait.max_running === null && wait.sub_max_running === null) return byRate;
  if (pace === null) return null;
  // A sub-key with its own number has its share of the pace.
  const share =
    wait.sub_max_running === null ? 1 : Math.max(1, wait.sub_running) / Math.max(1, wait.running);
  return Math.max(byRate, position / pace, (wait.before + 1) / (pace * Math.min(1, share)));
};

/** Why a task waits that its limit holds. */
export const describeLimitWait = (
  { limit_key, sub_key }: Pick<CommittedTask, 'limit_key' | 'sub_key'>,
  wait: LimitWait,
  now: number,
): { message: string; expected_at: string | null; limit: WaitingForLimit } => {
  const key = String(limit_key);
  const position = wait.before + wait.others + 1;
  const isPaused = (wait.paused_until ?? 0) > now;
  const isForEver = wait.paused_until === FOR_EVER;
  const seconds = isPaused && isForEver ? null : estimateSeconds(wait, position);
  const from = isPaused ? (wait.paused_until ?? now) : now;
  const expected_at = seconds === null ? null : iso(Math.round(from + seconds * 1_000));
  const isSubFull = wait.sub_running >= (wait.sub_max_running ?? Infinity);
  const [running, of] = isSubFull
    ? [wait.sub_running, wait.sub_max_running]
    : [wait.running, wait.max_running];
  const whose = isSubFull ? `"${sub_key}" of the limit "${key}"` : `the limit "${key}"`;
  const count = of === null ? `${running} run` : `${running} of ${of} run`;
  const paused = isForEver ? 'paused until it is resumed' : `paused until ${iso(from)}`;
  return {
    expected_at,
    limit: { key, sub_key: sub_key === '' ? null : sub_key, running, of, position },
    message: isPaused
      ? `It waits for the limit "${key}", which is ${paused}`
      : `It waits for ${whose}: ${count}, and it is number ${position} in turn`,
  };
};
