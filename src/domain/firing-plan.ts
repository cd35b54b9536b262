import { findNextMoment, listMoments, listNewest, type Recurrence } from './recurrence.ts';
import type { Overlap } from './words.ts';
import { MAX_MOMENTS, toRecurrence, type Schedule } from './schedule.ts';

/** Tasks that one strike makes for one schedule: the others have their turn in between. */
const MAX_AT_A_TIME = 20;

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
  | 'last_at'
>;

/** Whether there are more than `MAX_MOMENTS` from the first of some to `now`, if they go on so. */
const areTooMany = (some: readonly number[], now: number): boolean => {
  const [first, last] = [some[0] ?? 0, some.at(-1) ?? 0];
  return some.length > 1 && (now - first) / (last - first) > MAX_MOMENTS / (some.length - 1);
};

/** Of those that were missed within the window, so many of the newest that the strike needs them. */
const listAll = (recurrence: Recurrence, from: number, now: number): number[] => {
  const some = listMoments(recurrence, from - 1, MAX_AT_A_TIME + 1, now);
  if (some.length <= MAX_AT_A_TIME || !areTooMany(some, now)) return some;
  const [first = from] = listNewest(recurrence, { from, to: now }, MAX_MOMENTS);
  return listMoments(recurrence, first - 1, MAX_AT_A_TIME + 1, now);
};

/**
 * The moments up to `now` that are still to be run, the oldest first: some more than one strike runs,
 * where there are so many.
 */
const listDue = (schedule: Planned, recurrence: Recurrence, now: number): number[] => {
  const { catch_up, catch_up_window_ms, next_at, last_at, overlap } = schedule;
  if (next_at === null || next_at > now) return [];
  // What has had a task is not due, whether or not a strike got further than that.
  const since = Math.max(next_at, (last_at ?? 0) + 1);
  const from = Math.max(since, now - catch_up_window_ms);
  // Nothing is missed that is seconds late.
  const recent = Math.max(since, now - MISSED_MS);
  if (overlap === 'cancel_previous')
    return listNewest(recurrence, { from: catch_up === 'none' ? recent : from, to: now }, 1);
  if (catch_up === 'all') return listAll(recurrence, from, now);
  const inTime = listMoments(recurrence, recent - 1, MAX_AT_A_TIME + 1, now);
  if (inTime.length > 0 || catch_up === 'none') return inTime;
  return listNewest(recurrence, { from, to: now }, 1);
};

/** The first moment that has had no task yet. */
const findFirst = ({ next_at, last_at }: Planned, recurrence: Recurrence): number | null =>
  next_at === null || last_at === null || last_at < next_at
    ? next_at
    : findNextMoment(recurrence, last_at);

/** A task of the schedule that has not ended; `moment` null: somebody asked for it. */
export interface Unfinished {
  id: string;
  moment: number | null;
}

/**
 * What `overlap` makes of the moments that are due.
 * @param last the newest that has had a task: perhaps by a strike that got no further
 */
const applyOverlap = (
  overlap: Overlap,
  due: number[],
  unfinished: readonly Unfinished[],
  last: number,
): Pick<FiringPlan, 'fire' | 'queued' | 'cancel'> => {
  const none = { fire: [], queued: null, cancel: [] };
  const [first, second = null] = due;
  if (overlap === 'cancel_previous') {
    const newest = due.at(-1);
    const earlier = unfinished.filter(({ moment }) =>
      newest === undefined ? moment !== null && moment < last : moment !== newest,
    );
    return { ...none, fire: due.slice(-1), cancel: earlier.map(({ id }) => id) };
  }
  if (overlap === 'allow' || first === undefined)
    return { ...none, fire: due.slice(0, MAX_AT_A_TIME) };
  const mustWait = unfinished.length > 0;
  if (overlap === 'skip') return mustWait ? none : { ...none, fire: [first] };
  return mustWait ? { ...none, queued: first } : { ...none, fire: [first], queued: second };
};

/** What a schedule does at `now` (ms). */
export const planFiring = (
  schedule: Planned,
  unfinished: readonly Unfinished[],
  now: number,
): FiringPlan => {
  const { next_at, queued_at, overlap } = schedule;
  const last = schedule.last_at ?? 0;
  const recurrence = toRecurrence(schedule);
  const due = listDue(schedule, recurrence, now);
  const isDue = next_at !== null && next_at <= now;
  const waiting = queued_at === null ? due : [queued_at, ...due];
  const decided = applyOverlap(overlap, waiting, unfinished, last);
  // Of all that may run at the same time, what is left has the next turn.
  const rest = overlap === 'allow' ? waiting.slice(decided.fire.length) : [];
  const left = waiting.filter(
    (at) => !decided.fire.includes(at) && !rest.includes(at) && at !== decided.queued,
  );
  const handled = due.filter((at) => !rest.includes(at));
  const from = findFirst(schedule, recurrence);
  const until = due[0] ?? now;
  return {
    ...decided,
    skipped: left.length,
    skippedAt: left.at(-1) ?? null,
    missed: isDue && from !== null && from < until ? { from, until } : null,
    next: rest[0] ?? (isDue ? findNextMoment(recurrence, now) : next_at),
    last: handled.at(-1) ?? (isDue ? next_at : null),
  };
};
