/** Lengths of the times that rows stand for, in minutes, the longest first. */
export const LEVELS = [1_440, 60, 1] as const;
export type Level = (typeof LEVELS)[number];

const DAY = 1_440;
/** How long rows of a level are kept, in minutes. */
export const KEPT_MINUTES: Record<Level, number> = { 1440: 90 * DAY, 60: 90 * DAY, 1: 2 * DAY };
