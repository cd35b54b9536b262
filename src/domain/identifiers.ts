import { foldText } from './text.ts';

// Values by which people look for a task: order numbers, mail addresses, names of files. A search
// finds them at once, wherever in the parameters they are.

/** Most of them that one task is found by. */
const MAX_IDENTIFIERS = 8;
const LENGTHS = { least: 4, most: 64 };
/** Smaller numbers are counts and settings. */
const LEAST_NUMBER = 1_000;
/** Values that are looked at in one task. */
const MAX_VISITED = 2_000;

/** A text as identifiers are compared. */
export const foldIdentifier = (text: string): string => foldText(text.trim());

/** Whether a text may be one: neither a word nor prose. */
export const isIdentifier = (text: string): boolean =>
  text.length >= LENGTHS.least && text.length <= LENGTHS.most && /\d/.test(text);

const readIdentifier = (value: unknown): string | null => {
  if (typeof value === 'number')
    return Number.isSafeInteger(value) && value >= LEAST_NUMBER ? String(value) : null;
  if (typeof value !== 'string' || value.length > LENGTHS.most) return null;
  const text = foldIdentifier(value.toWellFormed());
  return isIdentifier(text) ? text : null;
};

/** The identifiers in the parameters of a task, in their order, each once. */
export const findIdentifiers = (params: unknown): string[] => {
  const found = new Set<string>();
  const waiting: unknown[] = [params];
  for (let visited = 0; visited < MAX_VISITED && found.size < MAX_IDENTIFIERS; visited += 1) {
    if (waiting.length === 0) break;
    const value = waiting.pop();
    if (typeof value === 'object' && value !== null)
      // As many as may still be looked at: a list of a million is not copied.
      waiting.push(...Object.values(value).slice(0, MAX_VISITED).toReversed());
    const identifier = readIdentifier(value);
    if (identifier !== null) found.add(identifier);
  }
  return [...found];
};

/** Ids that begin and end alike. */
export interface IdRange {
  from: string;
  to: string;
  /** What they end with; empty: anything. */
  suffix: string;
}

const SHORT_ID = /^([0-9a-f]{8}[0-9a-f-]{0,28})(?:(?:…|\.{2,3})([0-9a-f]{1,12}))?$/;

/** An id of 32 digits, with the dashes that all ids have. */
const addDashes = (hex: string): string =>
  hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

/** The ids that a short form may mean: at least the first eight digits, and a part of the end. */
export const parseShortId = (text: string): IdRange | null => {
  const [, prefix, suffix = ''] = SHORT_ID.exec(text.toLowerCase()) ?? [];
  if (prefix === undefined) return null;
  const hex = prefix.replaceAll('-', '');
  if (hex.length > 32) return null;
  return { from: addDashes(hex.padEnd(32, '0')), to: addDashes(hex.padEnd(32, 'f')), suffix };
};

/** An id as pages show it where there is little room; a search for it finds the task. */
export const toShortId = (id: string): string => `${id.slice(0, 13)}…${id.slice(-4)}`;
