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
const WORDS: Record<string, string> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** Clocks are moved by three hours at most. */
const MAX_SHIFT_MS = 3 * 3_600_000;

/** The fields of a pattern. */
export const toFields = (cron: string): string[] =>
  (WORDS[cron.trim().toLowerCase()] ?? cron).trim().split(/\s+/);

/** What is wrong with a pattern; null: nothing. */
export const findCronProblem = (cron: string): string | null => {
  const fields = toFields(cron);
  if (fields.length !== 5 && fields.length !== 6)
    return cron.trim().startsWith('@')
      ? `There is no ${cron.trim()}, but: ${Object.keys(WORDS).join(', ')}`
      : 'A cron has five fields (minute, hour, day, month, weekday), or six with seconds in front';
  try {
    const next = new Cron(fields.join(' '), { timezone: 'UTC' }).nextRun(new Date(0));
    return next === null ? 'It never fires: there is no such day' : null;
  } catch (error) {
    return describeError(error).replace(/^CronPattern: /, '');
  }
};

/** Whether it names no hour of the day: then it follows the time that passes. */
const followsTime = (fields: readonly string[]): boolean => /[*?/]/.test(fields.at(-4) ?? '');

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
    wall = pattern.nextRun(wall);
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

/** How far back the newest moments are looked for, at first. */
const FIRST_LOOK_MS = 60_000;
/** Each further look goes back so many times as far. */
const LOOK_FACTOR = 4;

/**
 * The newest `count` moments (ms) from `from` to `to`, in order. It looks back step by step: a day of
 * seconds has 86 400 moments, and nobody wants them all.
 */
export const listNewest = (
  recurrence: Recurrence,
  { from, to }: { from: number; to: number },
  count: number,
): number[] => {
  for (let look = FIRST_LOOK_MS; ; look *= LOOK_FACTOR) {
    const start = Math.max(from, to - look);
    const found = listMoments(recurrence, start - 1, Infinity, to);
    if (found.length >= count || start === from) return found.slice(-count);
  }
};

/** The next moment (ms) at which it fires after `after`; null: never again. */
export const findNextMoment = (recurrence: Recurrence, after: number): number | null =>
  listMoments(recurrence, after, 1)[0] ?? null;
