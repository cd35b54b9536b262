import { isObject } from './json.ts';

// JSON.parse reads every number as a double, and says nothing when the double is another number.
// Here nothing is lost in silence: what a double cannot hold is told, and the caller decides.

/** A text without these has no number that a double could fail to hold. Some texts have them too. */
const MAY_BE_LOST = /\d[\d.]{15}|\d[eE]/;

/** A number's text as its value: sign, digits without leading and closing zeros, power of ten. */
const toDecimal = (text: string): string => {
  const [mantissa = '', power = '0'] = text.toLowerCase().split('e');
  const sign = mantissa.startsWith('-') ? '-' : '';
  const [whole = '', fraction = ''] = mantissa.slice(sign.length).split('.');
  const digits = whole + fraction;
  let start = 0;
  while (digits[start] === '0') start += 1;
  let end = digits.length;
  while (end > start && digits[end - 1] === '0') end -= 1;
  if (start === end) return '0';
  return `${sign}${digits.slice(start, end)}e${Number(power) - fraction.length + digits.length - end}`;
};

/** Whether the double that this number's text is read as writes the same number again. */
export const isHeld = (text: string): boolean => {
  const value = Number(text);
  return Number.isFinite(value) && toDecimal(text) === toDecimal(String(value));
};

/** A number that no double holds, as it was written. */
export class LostNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type ParseWithSource = (
  text: string,
  reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
) => unknown;

/**
 * Parses JSON; `onLost` gives the value of each number that a double cannot hold. Throws a
 * SyntaxError as `JSON.parse` does.
 * https://github.com/tc39/proposal-json-parse-with-source
 */
export const parseExactJson = (
  text: string,
  onLost: (source: string) => unknown = (source) => new LostNumber(source),
): unknown => {
  if (!MAY_BE_LOST.test(text)) return JSON.parse(text);
  return (JSON.parse as ParseWithSource)(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && !isHeld(source) ? onLost(source) : value,
  );
};

/** A value with which `JSON.stringify` writes this very number. */
export const toRawNumber = (source: string): object =>
  (JSON as unknown as { rawJSON(text: string): object }).rawJSON(source);

/** The text of a number that `toRawNumber` made; undefined for any other value. */
export const readRawNumber = (value: unknown): string | undefined =>
  (JSON as unknown as { isRawJSON(value: unknown): boolean }).isRawJSON(value)
    ? (value as { rawJSON: string }).rawJSON
    : undefined;

/** Why a number was refused, in words for its sender. */
export const describeLost = (text: string): string => {
  const shown = text.length > 60 ? `${text.slice(0, 59)}…` : text;
  const advice = 'Round it, or send it as a text where one is taken';
  if (!Number.isFinite(Number(text))) return `${shown} is beyond what a number can hold. ${advice}`;
  return Number(text) === 0
    ? `${shown} is nearer to 0 than a number can be. ${advice}`
    : `${shown} has more digits than a number can hold exactly. ${advice}`;
};

/** One thing in a parsed body that cannot be kept as it is. */
export interface Unkept {
  path: string;
  message: string;
}

/** A pair of surrogates has a UTF-8 form; one alone has none, and only an escape can write it. */
const HAS_SURROGATE = /\\u[dD][89a-fA-F]/;

/**
 * Parses a caller's JSON into values that can be stored and read back as they were: texts and names
 * are made well-formed, and what would be lost is named by its path.
 */
export const parseKeepable = (text: string): { value: unknown; unkept: Unkept[] } => {
  const parsed = parseExactJson(text);
  const unkept: Unkept[] = [];
  if (!MAY_BE_LOST.test(text) && !HAS_SURROGATE.test(text)) return { value: parsed, unkept };
  const keep = (value: unknown, path: readonly (string | number)[]): unknown => {
    if (typeof value === 'string') return value.toWellFormed();
    if (value instanceof LostNumber) {
      unkept.push({ path: path.join('.'), message: describeLost(value.text) });
      return null;
    }
    if (Array.isArray(value)) return value.map((item, i) => keep(item, [...path, i]));
    if (!isObject(value)) return value;
    const entries = Object.entries(value).map(
      ([name, each]) => [name.toWellFormed(), keep(each, [...path, name.toWellFormed()])] as const,
    );
    const kept = Object.fromEntries(entries);
    if (Object.keys(kept).length < entries.length)
      unkept.push({ path: path.join('.'), message: 'Two names here differ by broken text alone' });
    return kept;
  };
  return { value: keep(parsed, []), unkept };
};
