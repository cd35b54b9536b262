import * as z from 'zod';
import { moment, singleText } from '../domain/filter-schema.ts';
import type { FigureQuery } from '../metrics/series.ts';
import { KEPT_MINUTES, LEVELS } from '../domain/figures.ts';
import { digits } from './fields.ts';

// The time that figures are asked for, and its steps.

export const MINUTE_MS = 60_000;
const HOUR = 60;
const DAY = 1_440;
const UNITS = { m: 1, h: HOUR, d: DAY };
/** Steps of an answer: three months by the hour. */
const MAX_STEPS = 2_200;
const DEFAULT_MINUTES = 60;
/** Steps that fit a time: about a hundred of them. */
const NICE_STEPS = [1, 5, 15, HOUR, 6 * HOUR, DAY];
const MAX_NICE = 120;

const LENGTH = /^([1-9]\d{0,3})([mhd])$/;

const toMinutes = (text: string): number => {
  const [, n, unit] = LENGTH.exec(text) ?? [];
  return Number(n) * UNITS[unit as keyof typeof UNITS];
};

/** A length of time such as `5m`, `6h` or `30d`, as minutes. */
const length = singleText()
  .regex(LENGTH, 'Expected a length such as 5m, 6h or 30d')
  .transform(toMinutes)
  .meta({ type: 'string', pattern: LENGTH.source });

/** A moment, or how long ago it is. */
const since = z
  .union([length.transform((minutes) => ({ minutesAgo: minutes })), moment])
  .meta({ type: 'string', description: 'A time in ISO 8601, or how long ago: 6h, 7d' });

export const figureWindow = {
  minutes: digits(1, 2 * DAY).optional(),
  from: since.optional(),
  to: since.optional(),
  step: length
    .optional()
    .meta({ type: 'string', description: '5m, 1h, 1d; left out, about a hundred steps' }),
};

interface Asked {
  minutes?: number | undefined;
  from?: number | { minutesAgo: number } | undefined;
  to?: number | { minutesAgo: number } | undefined;
  step?: number | undefined;
}

const toMinute = (asked: number | { minutesAgo: number }, now: number): number =>
  typeof asked === 'number'
    ? Math.floor(asked / MINUTE_MS)
    : Math.floor(now / MINUTE_MS) - asked.minutesAgo;

/** The minutes to read, `to` not included; begins and ends with whole steps. */
export const toWindow = (
  { minutes, from, to, step }: Asked,
  now: number,
): Pick<FigureQuery, 'level' | 'from' | 'to' | 'step'> => {
  const end = to === undefined ? Math.floor(now / MINUTE_MS) + 1 : toMinute(to, now);
  const start = from === undefined ? end - (minutes ?? DEFAULT_MINUTES) : toMinute(from, now);
  const isOld = Math.floor(now / MINUTE_MS) - start >= KEPT_MINUTES[1];
  const fits = (nice: number): boolean =>
    (!isOld || nice >= HOUR) && (end - start) / nice <= MAX_NICE;
  const chosen = step ?? (from === undefined ? 1 : (NICE_STEPS.find(fits) ?? DAY));
  const level = LEVELS.find((each) => chosen % each === 0) ?? 1;
  return {
    level,
    step: chosen,
    from: Math.floor(start / chosen) * chosen,
    to: Math.ceil(end / chosen) * chosen,
  };
};

/** Refuses a time that has no figures, and more steps than an answer holds. */
export const checkWindow = (asked: Asked, context: z.core.$RefinementCtx): void => {
  const now = Date.now();
  const { from, to, step } = toWindow(asked, now);
  const minute = Math.floor(now / MINUTE_MS);
  const refuse = (path: string, message: string): void =>
    context.addIssue({ code: 'custom', path: [path], message, input: asked });
  if (asked.minutes !== undefined && (asked.from ?? asked.to ?? asked.step) !== undefined)
    return refuse('minutes', 'Give either minutes, or from, to and step');
  if (to <= from) return refuse('from', 'It must lie before `to`');
  if ((to - from) / step > MAX_STEPS)
    return refuse('step', `That would be more than ${MAX_STEPS} steps: choose a longer one`);
  if (minute - from > KEPT_MINUTES[60] + step)
    return refuse('from', 'Figures are kept for 90 days');
  if (step % HOUR !== 0 && minute - from > KEPT_MINUTES[1] + step)
    return refuse(
      'step',
      'By the minute figures are kept for two days: give a step of hours, such as 1h',
    );
};
