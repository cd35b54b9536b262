import type { Format, FileRow } from './row.ts';
import type { ColumnType } from './summary.ts';

/**
 * A cell that a spreadsheet would run as a formula
 * (https://owasp.org/www-community/attacks/CSV_Injection).
 */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;
const NUMBER = /^[-+]?\d+(\.\d+)?([eE][-+]?\d+)?$/;

/** Writes lines of a CSV. `onDisarmed` counts the cells that a spreadsheet would have run. */
const createCsv = (onDisarmed: () => void) => {
  const formatCell = (value: unknown): string => {
    const text =
      value === null || value === undefined
        ? ''
        : typeof value === 'string'
          ? value
          : JSON.stringify(value);
    const isFormula = FORMULA.test(text) && !NUMBER.test(text);
    if (isFormula) onDisarmed();
    const safe = isFormula ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  /** An empty cell that stands alone is quoted, for an empty line is no row. */
  return (cells: readonly unknown[]): string => `${cells.map(formatCell).join(',') || '""'}\n`;
};

/** Text of a CSV as the value it spells, where its whole column does. */
const parseCell = (value: unknown, type: ColumnType | undefined): unknown => {
  if (typeof value !== 'string') return value;
  if (value === '') return null;
  if (type === 'integer' || type === 'number') return Number(value);
  return type === 'boolean' ? value === 'true' : value;
};

interface WriteOptions {
  to: Exclude<Format, 'text'>;
  /** All columns, as the first reading found them. */
  types: ReadonlyMap<string, ColumnType>;
  /** Whether values are texts that may spell something else. */
  isText: boolean;
  /** Told of every cell that was disarmed. */
  onDisarmed(): void;
}

/** Rows as the text of another format, piece by piece. */
const formatRows = async function* (
  rows: AsyncIterable<FileRow>,
  { to, types, isText, onDisarmed }: WriteOptions,
): AsyncGenerator<string> {
  const columns = [...types.keys()];
  const csvLine = createCsv(onDisarmed);
  const formatObject = ({ names, values }: FileRow): string =>
    JSON.stringify(
      Object.fromEntries(
        names.map((name, i) => [name, isText ? parseCell(values[i], types.get(name)) : values[i]]),
      ),
    );
  if (to === 'csv' && columns.length > 0) yield csvLine(columns);
  if (to === 'json') yield '[';
  let isFirst = true;
  for await (const row of rows) {
    if (to === 'csv') {
      const cells = new Map(row.names.map((name, i) => [name, row.values[i]]));
      yield csvLine(columns.map((name) => cells.get(name)));
    } else if (to === 'ndjson') yield `${formatObject(row)}\n`;
    else yield `${isFirst ? '\n' : ',\n'}${formatObject(row)}`;
    isFirst = false;
  }
  if (to === 'json') yield isFirst ? ']\n' : '\n]\n';
};

/** Written together: a row at a time would be a step for each. In UTF-16 units. */
const PIECE_CHARS = 65_536;

/** Rows as the bytes of another format. */
export const writeRows = async function* (
  ...args: Parameters<typeof formatRows>
): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  let gathered = '';
  for await (const piece of formatRows(...args)) {
    gathered += piece;
    if (gathered.length < PIECE_CHARS) continue;
    yield encoder.encode(gathered.toWellFormed());
    gathered = '';
  }
  if (gathered !== '') yield encoder.encode(gathered.toWellFormed());
};

export const CONTENT_TYPES: Record<Format, string> = {
  csv: 'text/csv; charset=utf-8',
  json: 'application/json',
  ndjson: 'application/x-ndjson',
  text: 'text/plain; charset=utf-8',
};
