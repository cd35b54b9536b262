import cronstrue from 'cronstrue';
import { toFields, type Recurrence } from './recurrence.ts';

/** Units of an interval, in ms. */
export const UNITS = {
  days: 86_400_000,
  hours: 3_600_000,
  minutes: 60_000,
  seconds: 1_000,
} as const;
export type Unit = keyof typeof UNITS;

/** An interval (ms) in the largest unit of which it is a whole number; `[2, 'hours']`. */
export const toUnit = (ms: number): [number, Unit] => {
  const units = Object.entries(UNITS) as [Unit, number][];
  const [unit, size] = units.find(([, each]) => ms % each === 0) ?? ['seconds', 1_000];
  return [ms / size, unit];
};

/** In words: `At 02:30`, `Every 15 minutes`. */
export const describeRecurrence = (recurrence: Recurrence): string => {
  if ('everyMs' in recurrence) {
    const [count, unit] = toUnit(recurrence.everyMs);
    return count === 1 ? `Every ${unit.slice(0, -1)}` : `Every ${count} ${unit}`;
  }
  try {
    return cronstrue.toString(toFields(recurrence.cron).join(' '), { use24HourTimeFormat: true });
  } catch {
    // Croner takes patterns for which there are no words.
    return recurrence.cron;
  }
};
