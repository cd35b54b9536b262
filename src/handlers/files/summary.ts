import { GiveUp } from '../../domain/errors.ts';
import { MAX_COLUMNS, type FileRow } from './row.ts';

export type ColumnType =
  'empty' | 'integer' | 'number' | 'boolean' | 'date' | 'text' | 'json' | 'mixed';

/**
 * Distinct values that are told apart, per column and in all; beyond it `distinct` is a least
 * number.
 */
const MAX_DISTINCT = 10_000;
const MAX_DISTINCT_IN_ALL = 200_000;
/** Shown of a long text. */
const MAX_SHOWN_CHARS = 100;

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const DATE =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/;

/** Whether the month has such a day; `Date` would go on into the next month. */
const isDay = (text: string): boolean =>
  new Date(`${text.slice(0, 10)}T00:00:00Z`).getUTCDate() === Number(text.slice(8, 10));

type Kind = Exclude<ColumnType, 'mixed'>;

/**
 * What a cell is. Text of a CSV counts as the number, truth or date that it spells; `007` stays
 * text.
 */
const detectKind = (value: unknown, isText: boolean): Kind => {
  if (value === null || value === undefined || value === '') return 'empty';
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'integer' : 'number';
  if (typeof value !== 'string') return 'json';
  if (isText) {
    if (value === 'true' || value === 'false') return 'boolean';
    const first = value.charCodeAt(0);
    // Digits and minus only, before the expression is tried.
    if (
      value.length <= 30 &&
      (first === 45 || (first >= 48 && first <= 57)) &&
      NUMBER.test(value)
    ) {
      // One that would lose digits, such as a long card number, is text.
      if (value === '-0' || value.replace(/\D/g, '').length > 15) return 'text';
      const number = Number(value);
      if (Number.isInteger(number) && !/[.eE]/.test(value)) return 'integer';
      return Number.isFinite(number) ? 'number' : 'text';
    }
  }
  return value.length <= 35 && DATE.test(value) && isDay(value) ? 'date' : 'text';
};

const shorten = (text: string): string =>
  (text.length > MAX_SHOWN_CHARS ? `${text.slice(0, MAX_SHOWN_CHARS - 1)}…` : text).toWellFormed();

interface Column {
  name: string;
  kinds: Partial<Record<Kind, number>>;
  distinct: Set<unknown>;
  isCapped: boolean;
  sum: number;
  numbers: number;
  least: number;
  most: number;
  first: string | null;
  last: string | null;
}

/** The kinds that a column holds, as one type. */
const detectType = ({ kinds }: Column): ColumnType => {
  const found = (Object.keys(kinds) as Kind[]).filter((kind) => kind !== 'empty');
  if (found.length === 0) return 'empty';
  if (found.length === 1) return found[0] as Kind;
  if (found.every((kind) => kind === 'integer' || kind === 'number')) return 'number';
  return found.every((kind) => kind === 'text' || kind === 'date') ? 'text' : 'mixed';
};

/** Gathers what there is to say about the columns of a file, row by row, within bounded memory. */
export const createSummary = ({ isText }: { isText: boolean }) => {
  const columns = new Map<string, Column>();
  let rows = 0;
  let distinctInAll = 0;
  let names: readonly string[] | null = null;
  let current: Column[] = [];

  const findColumn = (name: string): Column => {
    const found = columns.get(name);
    if (found) return found;
    if (columns.size >= MAX_COLUMNS)
      throw new GiveUp(`The file has more than ${MAX_COLUMNS} columns`, 'bad_file');
    const made: Column = {
      name,
      kinds: {},
      distinct: new Set(),
      isCapped: false,
      sum: 0,
      numbers: 0,
      least: Infinity,
      most: -Infinity,
      first: null,
      last: null,
    };
    columns.set(name, made);
    return made;
  };

  const addNumber = (column: Column, number: number): void => {
    column.numbers += 1;
    column.sum += number;
    if (number < column.least) column.least = number;
    if (number > column.most) column.most = number;
  };

  const addDistinct = (column: Column, value: unknown): void => {
    if (column.isCapped || column.distinct.has(value)) return;
    if (column.distinct.size >= MAX_DISTINCT || distinctInAll >= MAX_DISTINCT_IN_ALL)
      column.isCapped = true;
    else {
      column.distinct.add(value);
      distinctInAll += 1;
    }
  };

  const add = (column: Column, value: unknown): void => {
    const kind = detectKind(value, isText);
    column.kinds[kind] = (column.kinds[kind] ?? 0) + 1;
    if (kind === 'empty') return;
    const text =
      typeof value === 'string' ? value : kind === 'json' ? JSON.stringify(value) : String(value);
    // As it would be shown: long texts that begin alike count as one, which the memory bound asks
    // for.
    addDistinct(column, text.length > MAX_SHOWN_CHARS ? shorten(text) : text);
    if (kind === 'integer' || kind === 'number') addNumber(column, Number(value));
    if (kind === 'json') return;
    if (column.first === null || text < column.first) column.first = text;
    if (column.last === null || text > column.last) column.last = text;
  };

  const summarizeColumn = (column: Column) => {
    const type = detectType(column);
    const isNumeric = type === 'integer' || type === 'number';
    const ends = isNumeric
      ? { min: column.least, max: column.most, mean: column.sum / column.numbers }
      : {
          min: column.first === null ? null : shorten(column.first),
          max: column.last === null ? null : shorten(column.last),
          mean: null,
        };
    // A row that lacks the column counts as an empty cell.
    const filled = Object.entries(column.kinds).reduce(
      (sum, [kind, n]) => (kind === 'empty' ? sum : sum + n),
      0,
    );
    const capped = column.isCapped ? { distinct_capped: true } : {};
    return {
      name: shorten(column.name),
      type,
      empty: rows - filled,
      ...ends,
      distinct: column.distinct.size,
      ...capped,
    };
  };

  return {
    /** Columns that may have no rows. */
    header: (found: readonly string[]): void => found.forEach(findColumn),
    add(row: FileRow): void {
      rows += 1;
      if (row.names !== names) {
        names = row.names;
        current = names.map(findColumn);
      }
      row.values.forEach((value, i) => add(current[i] as Column, value));
    },
    rows: () => rows,
    /** The type of each column, in the order in which they came up. */
    types: () => new Map([...columns.values()].map((column) => [column.name, detectType(column)])),
    columns: () => [...columns.values()].map(summarizeColumn),
  };
};
