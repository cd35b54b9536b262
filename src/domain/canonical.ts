import { sha256 } from './hash.ts';
import { isObject } from './json.ts';

/**
 * The one text of a JSON value, however it was written: names sorted, no blanks. Never throws; what
 * JSON cannot say is written as JSON writes it.
 */
export const toCanonicalText = (value: unknown): string =>
  JSON.stringify(value, (_name, each: unknown) =>
    isObject(each)
      ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  ) ?? 'null';

/** SHA-256 of a value's canonical text, as 64 hexadecimal digits. */
export const hashCanonical = (value: unknown): Promise<string> => sha256(toCanonicalText(value));
