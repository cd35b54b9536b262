import { describeLost, parseExactJson } from '../domain/exact-json.ts';

/** What the caller wrote is no command: exit code 2. */
export class UsageError extends Error {}

const refuseNumber = (number: string): never => {
  throw new UsageError(describeLost(number));
};

/** A value as JSON where it is JSON, or else as a text. */
const parseValue = (text: string): unknown => {
  try {
    return parseExactJson(text, refuseNumber);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    return text;
  }
};

/** `a=5 city.name=Lisbon` as an object; a name with dots is a path. */
export const parsePairs = (pairs: readonly string[]): Record<string, unknown> => {
  const root: Record<string, unknown> = {};
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    if (at < 1) throw new UsageError(`Expected name=value, not "${pair}"`);
    const path = pair.slice(0, at).split('.');
    const last = path.pop() ?? '';
    let place = root;
    for (const name of path) {
      const next = Object.hasOwn(place, name) ? place[name] : {};
      if (typeof next !== 'object' || next === null)
        throw new UsageError(`"${name}" in "${pair}" already has a value`);
      define(place, name, next);
      place = next as Record<string, unknown>;
    }
    define(place, last, parseValue(pair.slice(at + 1)));
  }
  return root;
};

/** Also a name that every object has, such as `__proto__`: the service refuses it by name. */
const define = (place: object, name: string, value: unknown): void => {
  Object.defineProperty(place, name, {
    value,
    enumerable: true,
    writable: true,
    configurable: true,
  });
};

const UNITS: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };

/** `90`, `5m`, `2h`, `1d` as seconds. */
export const parseSeconds = (name: string, text: string): number => {
  const [, n, unit = 's'] = /^(\d+(?:\.\d+)?)([smhdw]?)$/.exec(text) ?? [];
  if (n === undefined) throw new UsageError(`--${name} takes a length such as 90s, 5m, 2h or 1d`);
  return Number(n) * (UNITS[unit || 's'] ?? 1);
};

/** A moment, or how long ago: `1d`, `2026-01-31`. */
export const parseSince = (name: string, text: string, now = Date.now()): Date => {
  if (/^\d+(\.\d+)?[smhdw]$/.test(text)) return new Date(now - parseSeconds(name, text) * 1_000);
  const at = new Date(text);
  if (Number.isNaN(at.getTime()))
    throw new UsageError(
      `--${name} takes a time such as 2026-01-31T12:00:00Z, or how long ago: 1d`,
    );
  return at;
};

export const parseWhole = (name: string, text: string, least: number, most: number): number => {
  const n = Number(text);
  if (!Number.isInteger(n) || n < least || n > most)
    throw new UsageError(`--${name} takes a whole number from ${least} to ${most}`);
  return n;
};
