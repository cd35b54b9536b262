import { findNextMoment, listNewest, type Recurrence } from './recurrence.ts';
import { MAX_MOMENTS, toRecurrence, type Schedule } from './schedule.ts';

/** A moment that comes to be handled later than this was missed. */
const MISSED_MS = 60_000;

/** What is to be done with a schedule that the clock looks at. */
export interface FiringPlan {
  /** Moments (ms) that make a task each, in order. */
  fire: number[];
  /** Tasks of earlier moments that are to be cancelled. */
  cancel: string[];
  /** A moment that waits for the end of the task before. */
  queued: number | null;
  /** How many make none because of `overlap`, and the newest of them. */
  skipped: number;
  skippedAt: number | null;
  /** The moments that were missed, and are not made up for: up to `until`, which is not missed. */
  missed: { from: number; until: number } | null;
  next: number | null;
  /** The newest moment that this plan decides about. */
  last: number | null;
}

type Planned = Pick<
  Schedule,
  | 'cron'
  | 'timezone'
  | 'every_ms'
  | 'created_at'
  | 'overlap'
  | 'catch_up'
  | 'catch_up_window_ms'
  | 'next_at'
  | 'queued_at'
>;

/** The moments up to `now` that are still to be run, the oldest first. */
const listDue = (schedule: Planned, recurrence: Recurrence, now: number): number[] => {
  const { catch_up, catch_up_window_ms, next_at } = schedule;
  if (next_at === null || next_at > now) return [];
  const window = catch_up === 'none' ? MISSED_MS : catch_up_window_ms;
  const from = Math.max(next_at, now - window);
  return listNewest(recurrence, { from, to: now }, catch_up === 'all' ? MAX_MOMENTS : 1);
};

/** A task of the schedule that has not ended; `moment` null: somebody asked for it. */
export interface Unfinished {
  id: string;
  moment: number | null;
}

/** What `overlap` makes of the moments that are due. */
const applyOverlap = (
  { overlap }: Planned,
  due: number[],
  unfinished: readonly Unfinished[],
): Pick<FiringPlan, 'fire' | 'queued' | 'cancel'> => {
  const isOneOf = (moments: readonly number[]) => (task: Unfinished) =>
    task.moment !== null && moments.includes(task.moment);
  const none = { queued: null, cancel: [] };
  const [first, second = null] = due;
  if (overlap === 'allow' || first === undefined) return { ...none, fire: due };
  if (overlap === 'cancel_previous') {
    const fire = due.slice(-1);
    const earlier = unfinished.filter((task) => !isOneOf(fire)(task));
    return { ...none, fire, cancel: earlier.map(({ id }) => id) };
  }
  // The task of a moment that is due was made by a strike that got no further.
  const mustWait = unfinished.some((task) => !isOneOf(due)(task));
  if (overlap === 'skip') return { ...none, fire: mustWait ? [] : [first] };
  return mustWait
    ? { ...none, fire: [], queued: first }
    : { ...none, fire: [first], queued: second };
};

/** What a schedule does at `now` (ms). */
export const planFiring = (
  schedule: Planned,
  unfinished: readonly Unfinished[],
  now: number,
): FiringPlan => {
  const { next_at, queued_at } = schedule;
  const recurrence = toRecurrence(schedule);
  const due = listDue(schedule, recurrence, now);
  const isDue = next_at !== null && next_at <= now;
  const waiting = queued_at === null ? due : [queued_at, ...due];
  const decided = applyOverlap(schedule, waiting, unfinished);
  const left = waiting.filter((at) => !decided.fire.includes(at) && at !== decided.queued);
  const until = due[0] ?? now;
  return {
    ...decided,
    skipped: left.length,
    skippedAt: left.at(-1) ?? null,
    missed: isDue && next_at < until ? { from: next_at, until } : null,
    next: isDue ? findNextMoment(recurrence, now) : next_at,
    last: due.at(-1) ?? (isDue ? next_at : null),
  };
};
