import { Cron } from 'croner';
import { describeError } from './errors.ts';
import { toMoments, toWall } from './time-zone.ts';

// When a schedule fires. Croner reads patterns and finds the local times that fit; which moments
// those are when clocks change is decided here: by itself it leaves out nights in spring and fires
// again and again in autumn.

/** A pattern of five or six fields (the first of six is seconds), or a word such as `@daily`. */
interface CronRecurrence {
  cron: string;
  timezone: string;
}

/** Every so many ms, counted from a moment. */
interface IntervalRecurrence {
  everyMs: number;
  /** ms */
  anchor: number;
}

export type Recurrence = CronRecurrence | IntervalRecurrence;

/** Words for patterns, as cron has them. */
const WORDS = new Map(
  Object.entries({
    '@yearly': '0 0 1 1 *',
    '@annually': '0 0 1 1 *',
    '@monthly': '0 0 1 * *',
    '@weekly': '0 0 * * 0',
    '@daily': '0 0 * * *',
    '@midnight': '0 0 * * *',
    '@hourly': '0 * * * *',
  }),
);

/** Clocks are moved by three hours at most. */
const MAX_SHIFT_MS = 3 * 3_600_000;

/** The fields of a pattern. */
export const toFields = (cron: string): string[] =>
  (WORDS.get(cron.trim().toLowerCase()) ?? cron).trim().split(/\s+/);

/** What is wrong with a pattern; null: nothing. */
export const findCronProblem = (cron: string): string | null => {
  const fields = toFields(cron);
  if (fields.length !== 5 && fields.length !== 6)
    return cron.trim().startsWith('@')
      ? `There is no ${cron.trim()}, but: ${[...WORDS.keys()].join(', ')}`
      : 'A cron has five fields (minute, hour, day, month, weekday), or six with seconds in front';
  try {
    const next = new Cron(fields.join(' '), { timezone: 'UTC' }).nextRun(new Date(0));
    return next === null ? 'It never fires: there is no such day' : null;
  } catch (error) {
    return describeError(error).replace(/^CronPattern: /, '');
  }
};

/** Whether it takes every hour of the day: then it follows the time that passes. */
const followsTime = (fields: readonly string[]): boolean =>
  /^(\*|\?|0-23)(\/1)?$/.test(fields.at(-4) ?? '');

/** Moments (ms) of a pattern after `after`, in order, without end. */
const listCronMoments = function* (
  { cron, timezone }: CronRecurrence,
  after: number,
): Generator<number> {
  const fields = toFields(cron);
  const isElapsed = followsTime(fields);
  const pattern = new Cron(fields.join(' '), { timezone: 'UTC' });
  // Clocks that are set back soon will show again what they have shown.
  const back = toWall(after, timezone) + MAX_SHIFT_MS - toWall(after + MAX_SHIFT_MS, timezone);
  let wall = pattern.nextRun(new Date(toWall(after, timezone) - Math.max(0, back)));
  // Where clocks are set back, local times come twice: what comes later waits here.
  let waiting: number[] = [];
  let last = after;
  while (wall !== null) {
    const { moments, isSkipped } = toMoments(wall.getTime(), timezone);
    // A named time happens once on its day, also where clocks skip it or show it twice.
    const found = isElapsed ? (isSkipped ? [] : moments) : moments.slice(0, 1);
    waiting = [...waiting, ...found].toSorted((a, b) => a - b);
    const settled = Math.min(...moments);
    while (waiting.length > 0 && (waiting[0] ?? Infinity) <= settled) {
      const moment = waiting.shift() as number;
      if (moment <= last) continue;
      last = moment;
      yield moment;
    }
    // A gap may be a day long: all that it skips is skipped at once.
    wall = pattern.nextRun(isSkipped ? new Date(toWall(settled, timezone) - 1) : wall);
  }
  for (const moment of waiting) if (moment > last) yield moment;
};

/**
 * The next moments (ms) at which it fires after `after`, the last at `until` or before; fewer where
 * it ends.
 */
export const listMoments = (
  recurrence: Recurrence,
  after: number,
  count: number,
  until = Infinity,
): number[] => {
  if ('everyMs' in recurrence) {
    const { everyMs, anchor } = recurrence;
    const first = Math.max(0, Math.floor((after - anchor) / everyMs) + 1);
    const last = Math.floor((until - anchor) / everyMs);
    const length = Math.max(0, Math.min(count, last - first + 1));
    return Array.from({ length }, (_, i) => anchor + (first + i) * everyMs);
  }
  const moments: number[] = [];
  for (const moment of listCronMoments(recurrence, after)) {
    if (moment > until || moments.push(moment) >= count) break;
  }
  return moments;
};

/** The newest `count` moments from `from` to `to`. A burst of thousands is halved, not listed. */
const listNewestIn = (
  recurrence: Recurrence,
  from: number,
  to: number,
  count: number,
): number[] => {
  const most = 2 * count + 10;
  const found = listMoments(recurrence, from - 1, most, to);
  if (found.length < most) return found.slice(-count);
  const middle = Math.floor((from + to) / 2);
  const newer = listNewestIn(recurrence, middle + 1, to, count);
  if (newer.length >= count) return newer;
  return [...listNewestIn(recurrence, from, middle, count - newer.length), ...newer];
};

/** How far back the newest moments are looked for, at first; each further look goes twice as far. */
const FIRST_LOOK_MS = 60_000;

/**
 * The newest `count` moments (ms) from `from` to `to`, in order. It looks back step by step: a day of
 * seconds has 86 400 moments, and nobody wants them all.
 */
export const listNewest = (
  recurrence: Recurrence,
  { from, to }: { from: number; to: number },
  count: number,
): number[] => {
  let found: number[] = [];
  let end = to;
  for (let look = FIRST_LOOK_MS; found.length < count && end >= from; look *= 2) {
    const start = Math.max(from, to - look);
    found = [...listNewestIn(recurrence, start, end, count - found.length), ...found];
    end = start - 1;
  }
  return found;
};

/** The next moment (ms) at which it fires after `after`; null: never again. */
export const findNextMoment = (recurrence: Recurrence, after: number): number | null =>
  listMoments(recurrence, after, 1)[0] ?? null;
