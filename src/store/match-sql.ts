import { ANY_TEXT } from '../domain/error-fingerprint.ts';
import { isHeld } from '../domain/exact-json.ts';
import type { FieldFilter } from '../domain/filter.ts';
import { findVariants } from '../domain/search-variants.ts';
import { countCharacters, foldText } from '../domain/text.ts';
import { insideSql, isStubSql } from './body-sql.ts';

// Whether a row has what a filter looks for within its texts, as SQL.

type Bind = (value: unknown) => string;

const isPlace = (segment: string): boolean => /^\d+$/.test(segment);

/**
 * The JSON paths that a filter's path may mean (https://www.sqlite.org/json1.html#path_arguments):
 * a segment of digits is a place in a list or a name. The caller guarantees that no segment has a
 * quote.
 */
const toJsonPaths = (path: readonly string[]): string[] =>
  path.reduce<string[]>(
    (paths, segment, i) => {
      const named = paths.map((each) => `${each}."${segment}"`);
      if (!isPlace(segment)) return named;
      const placed = paths.map((each) => `${each}[${segment}]`);
      // Of many numbers the later ones are places alone: each doubles the paths.
      return path.slice(0, i).filter(isPlace).length < 2 ? [...placed, ...named] : placed;
    },
    ['$'],
  );

/** An expression: the message of the last error. */
const LAST_ERROR = `attempts ->> '$[#-1].error.message'`;
/** A search does not look into longer parameters and results. */
export const MAX_SEARCHED_BYTES = 65_536;

const ifSearched = (column: string): string =>
  `CASE WHEN octet_length(${column}) <= ${MAX_SEARCHED_BYTES} THEN ${insideSql(column)} ELSE '' END`;

const SEARCHED = `lower(
    coalesce(title, '') || char(10) ||
    coalesce(description, '') || char(10) ||
    id || char(10) ||
    tags || char(10) ||
    coalesce(${LAST_ERROR}, '') || char(10) ||
    ${ifSearched('params')} || char(10) ||
    ${ifSearched('result')}
  )`;

/** Letters alone, and not bound: a statement takes a hundred values. */
const toLiteral = (letters: string): string => `'${letters.replaceAll("'", "''")}'`;

/**
 * Whether a word is found. SQLite's `lower` knows ASCII alone: of the other letters of the word,
 * every form that a text may have is replaced by the one that is looked for.
 */
export const matchWord = (word: string, bind: Bind): string => {
  const searched = findVariants(word).reduce(
    (text, [variant, letter]) => `replace(${text}, ${toLiteral(variant)}, ${toLiteral(letter)})`,
    SEARCHED,
  );
  return `instr(${searched}, ${bind(foldText(word))}) > 0`;
};

/** Parts of an error's text that are looked for, at most. */
const MAX_PARTS = 20;

/**
 * Whether the last error is this one; `…` in it stands for any text. Which parts follow which is
 * not checked: that they are all there is enough to tell failures apart.
 */
export const matchError = (error: string, bind: Bind): string => {
  const parts = error.split(ANY_TEXT);
  const [first = '', last = ''] = [parts[0], parts.at(-1)];
  if (parts.length === 1) return `${LAST_ERROR} = ${bind(error)}`;
  const inner = parts
    .slice(1, -1)
    .filter((part) => part.trim() !== '')
    .slice(0, MAX_PARTS);
  return [
    ...(first === ''
      ? []
      : [`substr(${LAST_ERROR}, 1, ${countCharacters(first)}) = ${bind(first)}`]),
    ...(last === '' ? [] : [`substr(${LAST_ERROR}, -${countCharacters(last)}) = ${bind(last)}`]),
    ...inner.map((part) => `instr(${LAST_ERROR}, ${bind(part)}) > 0`),
    `${LAST_ERROR} IS NOT NULL`,
  ].join(' AND ');
};

const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;

/** Whether a value inside `params` or `result` is the one that is looked for. */
export const matchField = ({ column, path, value }: FieldFilter, bind: Bind): string => {
  const wanted = bind(value);
  // 5.0 finds 5, whichever of the two was written.
  const isNumber = NUMBER.test(value) && isHeld(value);
  const matches = toJsonPaths(path).map((each) => {
    const at = bind(each);
    const isText = `json_type(${column}, ${at}) = 'text' AND ${column} ->> ${at} = ${wanted}`;
    const isEqual = isNumber
      ? `json_type(${column}, ${at}) IN ('integer', 'real') AND ${column} ->> ${at} = ${bind(Number(value))}`
      : `${column} -> ${at} = ${wanted}`;
    return `((${isText}) OR (${isEqual}))`;
  });
  // The length is in the row's head: what is too long is not read for it.
  const isShort = `octet_length(${column}) <= ${MAX_SEARCHED_BYTES} AND NOT ${isStubSql(column)}`;
  return `CASE WHEN ${isShort} THEN (${matches.join(' OR ')}) ELSE 0 END`;
};
