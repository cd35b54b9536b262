// Local times of a zone. A wall time is what its clocks show, as the ms of the same reading in UTC.

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const formats = new Map<string, Intl.DateTimeFormat>();
const MAX_FORMATS = 200;

/** Throws a RangeError for a zone that there is not. */
const findFormat = (zone: string): Intl.DateTimeFormat => {
  const known = formats.get(zone);
  if (known) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  if (formats.size >= MAX_FORMATS) formats.clear();
  formats.set(zone, format);
  return format;
};

/** Names of the IANA database alone: an offset such as `+02:00` knows no summer. */
export const isTimeZone = (zone: string): boolean => {
  if (!/^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/.test(zone)) return false;
  try {
    findFormat(zone);
    return true;
  } catch {
    return false;
  }
};

/** By how much the clocks of a zone are ahead of UTC at a moment; both ms. */
const computeOffset = (at: number, zone: string): number => {
  const parts: Record<string, number> = {};
  for (const { type, value } of findFormat(zone).formatToParts(at)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  const ms = ((at % 1_000) + 1_000) % 1_000;
  return Date.UTC(year, month - 1, day, hour, minute, second) + ms - at;
};

const QUARTER_MS = HOUR_MS / 4;
/** Of a quarter of an hour; NaN where the clocks are changed within. */
const offsets = new Map<string, number>();
const MAX_OFFSETS = 20_000;

/** The same, looked up once for all of a quarter of an hour in which it stays. */
const findOffset = (at: number, zone: string): number => {
  const start = Math.floor(at / QUARTER_MS) * QUARTER_MS;
  const key = `${zone} ${start}`;
  let offset = offsets.get(key);
  if (offset === undefined) {
    const [first, last] = [start, start + QUARTER_MS - 1].map((each) => computeOffset(each, zone));
    offset = first === last && first !== undefined ? first : Number.NaN;
    if (offsets.size >= MAX_OFFSETS) offsets.clear();
    offsets.set(key, offset);
  }
  return Number.isNaN(offset) ? computeOffset(at, zone) : offset;
};

/** What the clocks of a zone show at a moment (ms). */
export const toWall = (at: number, zone: string): number => at + findOffset(at, zone);

/** What the clocks of a zone show at a moment, with their distance from UTC: `2026-03-29T03:00:00+02:00`. */
export const formatLocal = (at: number, zone: string): string => {
  const wall = toWall(at, zone);
  const minutes = Math.round((wall - at) / 60_000);
  const two = (n: number): string => String(n).padStart(2, '0');
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  const offset = `${minutes < 0 ? '-' : '+'}${two(hours)}:${two(rest)}`;
  return `${new Date(wall).toISOString().slice(0, 19)}${offset}`;
};

/** The first moment at which the zone's clocks are ahead of UTC by what they are at `to`. */
const findChange = (from: number, to: number, zone: string): number => {
  const after = findOffset(to, zone);
  let [low, high] = [from, to];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (findOffset(middle, zone) === after) high = middle;
    else low = middle;
  }
  return high;
};

/**
 * The moments at which the clocks of a zone show this: one; two, in order, where they are set back
 * over it; or none where they skip it, and then the first moment after the gap.
 */
export const toMoments = (
  wall: number,
  zone: string,
): { moments: number[]; isSkipped: boolean } => {
  const around = [wall - DAY_MS, wall + DAY_MS].map((at) => findOffset(at, zone));
  const candidates = [...new Set(around)].map((offset) => wall - offset);
  const moments = candidates.filter((at) => toWall(at, zone) === wall).toSorted((a, b) => a - b);
  if (moments.length > 0) return { moments, isSkipped: false };
  const change = findChange(Math.min(...candidates) - 1, Math.max(...candidates), zone);
  return { moments: [change], isSkipped: true };
};
