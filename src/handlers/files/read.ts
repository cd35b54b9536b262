import { Readable } from 'node:stream';
import { JSONParser } from '@streamparser/json';
import { CsvError, parse } from 'csv-parse';
import { GiveUp } from '../../domain/errors.ts';
import { measureDepth, MAX_BODY_DEPTH } from '../../domain/json.ts';

export const FORMATS = ['csv', 'json', 'ndjson', 'text'] as const;
export type Format = (typeof FORMATS)[number];

/** One row of any format: names and values side by side. Rows of one file may share `names`. */
export interface Row {
  names: readonly string[];
  values: readonly unknown[];
}

/**
 * A row that could not be read. `line` is 1 for the first line of the file; of a JSON file, the
 * number of the item.
 */
export interface Malformed {
  line: number;
  message: string;
}

export interface ReadOptions {
  signal: AbortSignal;
  malformed(row: Malformed): void;
  /** Told of a CSV's columns, which may have no rows. */
  header?(names: readonly string[]): void;
}

type Bytes = ReadableStream<Uint8Array>;

/** A longer row is none: the quote that should have ended it is missing. In bytes. */
const MAX_ROW_BYTES = 1_048_576;
export const MAX_COLUMNS = 1_000;

/** Text, chunk by chunk; bytes that are not UTF-8 end the task. */
const textOf = async function* (body: Bytes, signal: AbortSignal): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });
  try {
    for await (const chunk of body) {
      signal.throwIfAborted();
      yield decoder.decode(chunk, { stream: true });
    }
    yield decoder.decode();
  } catch (error) {
    throw error instanceof TypeError ? new GiveUp('The file is not UTF-8 text', 'bad_file') : error;
  }
};

/** Lines without their ends, `\n` or `\r\n`; a last empty one is none. */
export const linesOf = async function* (body: Bytes, signal: AbortSignal): AsyncGenerator<string> {
  let rest = '';
  for await (const text of textOf(body, signal)) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_ROW_BYTES)
      throw new GiveUp(`A line is longer than ${MAX_ROW_BYTES} characters`, 'bad_file');
    for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line;
  }
  if (rest !== '') yield rest;
};

/** A header as names: empty ones and repetitions get a number. */
const namesOf = (header: readonly string[]): string[] => {
  const seen = new Set<string>();
  return header.map((cell, i) => {
    const base = cell.trim() || `column_${i + 1}`;
    let name = base;
    for (let n = 2; seen.has(name); n += 1) name = `${base}_${n}`;
    seen.add(name);
    return name;
  });
};

/** Why a row of a CSV could not be read, in words for its author. */
const REASONS: Record<string, (error: CsvError) => string> = {
  CSV_RECORD_INCONSISTENT_FIELDS_LENGTH: ({ record }) =>
    `${(record as unknown[] | undefined)?.length} cells, unlike the header`,
  CSV_QUOTE_NOT_CLOSED: () => 'Its quote never ends; nothing after it was read',
};

const csvRows = async function* (
  body: Bytes,
  { signal, malformed, header }: ReadOptions,
): AsyncGenerator<Row> {
  /** The line on which the row before ended. */
  let ended = 0;
  let names: string[] | null = null;
  const report = (error: CsvError): undefined => {
    const line = ended + 1;
    ended = Number(error['lines']) || 0;
    const record = error['record'] as string[] | undefined;
    // An empty line is no row.
    if (record?.length === 1 && record[0] === '') return;
    if (error.code === 'CSV_MAX_RECORD_SIZE')
      throw new GiveUp(
        `The row of line ${line} is longer than ${MAX_ROW_BYTES} bytes: does a quote never end?`,
        'bad_file',
      );
    malformed({ line, message: REASONS[error.code]?.(error) ?? error.message.slice(0, 200) });
  };
  const parser = parse({
    // A quote where none belongs is text, so that it takes no other row along.
    relax_quotes: true,
    skip_records_with_error: true,
    max_record_size: MAX_ROW_BYTES,
    on_record: (record, { lines }) => {
      ended = lines;
      return record;
    },
    on_skip: (error) => error && report(error),
  });
  try {
    const source = Readable.from(textOf(body, signal));
    // `pipe` passes on data, not errors; without this the reader would wait for ever.
    source.on('error', (error) => parser.destroy(error));
    for await (const record of source.pipe(parser) as AsyncIterable<string[]>) {
      if (names) yield { names, values: record };
      else {
        names = namesOf(record);
        if (names.length > MAX_COLUMNS)
          throw new GiveUp(`The file has more than ${MAX_COLUMNS} columns`, 'bad_file');
        header?.(names);
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    // What cannot be skipped: the rest of the file cannot be told apart.
    if (error instanceof CsvError) report(error);
    else throw error;
  }
};

/** A JSON value as a row; null when it is no object. */
const rowOf = (value: unknown): Row | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? { names: Object.keys(value), values: Object.values(value) }
    : null;

const ndjsonRows = async function* (
  body: Bytes,
  { signal, malformed }: ReadOptions,
): AsyncGenerator<Row> {
  let line = 0;
  for await (const text of linesOf(body, signal)) {
    line += 1;
    if (text.trim() === '') continue;
    try {
      if (measureDepth(text) > MAX_BODY_DEPTH) throw new SyntaxError('Too deep');
      const row = rowOf(JSON.parse(text));
      if (row) yield row;
      else malformed({ line, message: 'Not an object' });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof SyntaxError)) throw error;
      malformed({ line, message: 'Not JSON, or nested too deep' });
    }
  }
};

/**
 * Follows how deep JSON is nested while its text streams in; throws where a caller's body would be
 * refused too.
 */
const createDepthGuard = () => {
  let depth = 0;
  let inString = false;
  let escaped = false;
  return (text: string): void => {
    for (let i = 0; i < text.length; i += 1) {
      const char = text[i];
      if (escaped) escaped = false;
      else if (inString) {
        if (char === '\\') escaped = true;
        else if (char === '"') inString = false;
      } else if (char === '"') inString = true;
      else if (char === '[' || char === '{') depth += 1;
      else if (char === ']' || char === '}') depth -= 1;
      // The list itself, and what a body may have within.
      if (depth > MAX_BODY_DEPTH + 1)
        throw new GiveUp(`The JSON is nested deeper than ${MAX_BODY_DEPTH} levels`, 'bad_file');
    }
  };
};

/** Items of a list, one by one: the whole text as objects would not fit the memory of a Worker. */
const jsonRows = async function* (
  body: Bytes,
  { signal, malformed }: ReadOptions,
): AsyncGenerator<Row> {
  let rows: Row[] = [];
  let item = 0;
  let charsOfItem = 0;
  let begun = '';
  const guard = createDepthGuard();
  const parser = new JSONParser({ paths: ['$.*'], keepStack: false });
  parser.onValue = ({ value }) => {
    item += 1;
    charsOfItem = 0;
    const row = rowOf(value);
    if (row) rows.push(row);
    else malformed({ line: item, message: 'Not an object' });
  };
  try {
    for await (const text of textOf(body, signal)) {
      if (begun === '') begun = text.trimStart();
      if (begun !== '' && !begun.startsWith('['))
        throw new GiveUp('The file is JSON, but not a list of objects', 'bad_file');
      charsOfItem += text.length;
      if (charsOfItem > 4 * MAX_ROW_BYTES)
        throw new GiveUp(`Item ${item + 1} is longer than ${MAX_ROW_BYTES} characters`, 'bad_file');
      guard(text);
      if (text !== '' && !parser.isEnded) parser.write(text);
      yield* rows;
      rows = [];
    }
    if (!parser.isEnded) throw new GiveUp('The JSON ends early', 'bad_file');
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof GiveUp) throw error;
    throw new GiveUp(
      `The file is not a JSON list of objects, from item ${item + 1} on`,
      'bad_file',
    );
  }
};

const READERS = { csv: csvRows, json: jsonRows, ndjson: ndjsonRows };

/** The rows of a file as they stream in; what is malformed is reported and passed over. */
export const rowsOf = (
  format: Exclude<Format, 'text'>,
  body: Bytes,
  options: ReadOptions,
): AsyncGenerator<Row> => READERS[format](body, options);
