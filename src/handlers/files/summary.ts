import { toCanonicalText } from '../../domain/canonical.ts';
import { GiveUp } from '../../domain/errors.ts';
import { readRawNumber } from '../../domain/exact-json.ts';
import { createSum } from '../../domain/numbers.ts';
import { compareDates, isDate } from './dates.ts';
import { createDistinct } from './distinct.ts';
import { MAX_COLUMNS, type FileRow } from './row.ts';

export type ColumnType =
  'empty' | 'integer' | 'number' | 'boolean' | 'date' | 'text' | 'json' | 'mixed';

/** Shown of a long text. */
const MAX_SHOWN_CHARS = 100;

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

type Kind = Exclude<ColumnType, 'mixed'>;

/**
 * What a cell is. Text of a CSV counts as the number, truth or date that it spells; `007` stays
 * text.
 */
const detectKind = (value: unknown, isText: boolean): Kind => {
  if (value === null || value === undefined || value === '') return 'empty';
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'integer' : 'number';
  // A number that no double holds is told apart by its digits, as a text is.
  if (typeof value !== 'string') return readRawNumber(value) === undefined ? 'json' : 'text';
  if (isText) {
    const spelled = value.trim();
    if (spelled === 'true' || spelled === 'false') return value === spelled ? 'boolean' : 'text';
    const first = spelled.charCodeAt(0);
    // Digits and minus only, before the expression is tried.
    if (
      spelled.length <= 30 &&
      (first === 45 || (first >= 48 && first <= 57)) &&
      NUMBER.test(spelled)
    ) {
      // One that would lose digits, such as a long card number, is text.
      if (spelled === '-0' || spelled.replace(/\D/g, '').length > 15) return 'text';
      const number = Number(spelled);
      if (Number.isInteger(number) && !/[.eE]/.test(spelled)) return 'integer';
      return Number.isFinite(number) ? 'number' : 'text';
    }
  }
  return isDate(value) ? 'date' : 'text';
};

const shorten = (text: string): string =>
  (text.length > MAX_SHOWN_CHARS ? `${text.slice(0, MAX_SHOWN_CHARS - 1)}…` : text).toWellFormed();

interface Column {
  name: string;
  kinds: Partial<Record<Kind, number>>;
  distinct: ReturnType<ReturnType<typeof createDistinct>>;
  sum: ReturnType<typeof createSum>;
  /** Whether every number of a text writes the same again: `1.10` and `12E3` do not. */
  isWrittenBack: boolean;
  least: number;
  most: number;
  first: string | null;
  last: string | null;
  earliest: string | null;
  latest: string | null;
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
  const startDistinct = createDistinct();
  let rows = 0;
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
      distinct: startDistinct(),
      sum: createSum(),
      isWrittenBack: true,
      least: Infinity,
      most: -Infinity,
      first: null,
      last: null,
      earliest: null,
      latest: null,
    };
    columns.set(name, made);
    return made;
  };

  const addNumber = (column: Column, value: unknown): void => {
    const number = Number(value);
    column.sum.add(number);
    if (number < column.least) column.least = number;
    if (number > column.most) column.most = number;
    if (typeof value === 'string' && String(number) !== value.trim()) column.isWrittenBack = false;
  };

  const addText = (column: Column, text: string): void => {
    if (column.first === null || text < column.first) column.first = text;
    if (column.last === null || text > column.last) column.last = text;
  };

  const addDate = (column: Column, text: string): void => {
    if (column.earliest === null || compareDates(text, column.earliest) < 0) column.earliest = text;
    if (column.latest === null || compareDates(text, column.latest) > 0) column.latest = text;
  };

  const add = (column: Column, value: unknown): void => {
    const kind = detectKind(value, isText);
    column.kinds[kind] = (column.kinds[kind] ?? 0) + 1;
    if (kind === 'empty') return;
    const raw = readRawNumber(value);
    const text = typeof value === 'string' ? value : (raw ?? toCanonicalText(value));
    column.distinct.add(typeof value === 'string' ? 's' : raw === undefined ? 'j' : 'n', text);
    if (kind === 'integer' || kind === 'number') addNumber(column, value);
    if (kind === 'date') addDate(column, text);
    if (kind !== 'json') addText(column, text);
  };

  const summarizeColumn = (column: Column) => {
    const type = detectType(column);
    const isNumeric = type === 'integer' || type === 'number';
    const [first, last] =
      type === 'date' ? [column.earliest, column.latest] : [column.first, column.last];
    const ends = isNumeric
      ? { min: column.least, max: column.most, mean: column.sum.mean() }
      : {
          min: first === null ? null : shorten(first),
          max: last === null ? null : shorten(last),
          mean: null,
        };
    // A row that lacks the column counts as an empty cell.
    const filled = Object.entries(column.kinds).reduce(
      (sum, [kind, n]) => (kind === 'empty' ? sum : sum + n),
      0,
    );
    return {
      name: shorten(column.name),
      type,
      empty: rows - filled,
      ...ends,
      distinct: column.distinct.count(),
      ...(column.distinct.isCapped() && { distinct_capped: true }),
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
    /**
     * The type as which each column is converted, in the order in which they came up: a column of
     * numbers that would be written in another way, such as codes, stays text.
     */
    types: () =>
      new Map<string, ColumnType>(
        [...columns.values()].map((column) => {
          const type = detectType(column);
          const isCode = (type === 'integer' || type === 'number') && !column.isWrittenBack;
          return [column.name, isCode ? 'text' : type] as const;
        }),
      ),
    columns: () => [...columns.values()].map(summarizeColumn),
  };
};
