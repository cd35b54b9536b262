import { Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { GiveUp } from '../../domain/errors.ts';
import { isBlank } from '../../domain/text.ts';
import { createLineCounter } from './lines.ts';
import { keepPairs, readText } from './read-text.ts';
import { MAX_COLUMNS, MAX_ROW_BYTES, type Bytes, type ReadOptions, type FileRow } from './row.ts';

/** A header as names: empty ones and repetitions get a number. */
const toNames = (header: readonly string[]): string[] => {
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

/** What may stand between cells, the usual one first. */
const DELIMITERS = [',', ';', '\t'] as const;
/** Of a longer header, its beginning tells. */
const MAX_LOOKED_AT = 65_536;

const BLANK_LINES = /^(?:[[\s\p{Default_Ignorable_Code_Point}\u2800]--[\r\n]]*(?:\r\n|\n|\r))+/v;

/** Whether the first line is there as a whole: a line may end within quotes. */
const findHeaderEnd = (text: string): number => {
  let inQuotes = false;
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i];
    if (char === '"') inQuotes = !inQuotes;
    else if (!inQuotes && (char === '\n' || char === '\r')) return i;
  }
  return -1;
};

/** The delimiter that the header has most of, quoted cells aside. */
const detectDelimiter = (header: string): string => {
  const bare = header.replace(/"[^"]*"?/g, '');
  const counts = DELIMITERS.map((each) => bare.split(each).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))] ?? ',';
};

/**
 * The beginning of the text, its header within as far as it can be told; blank lines before it go
 * to `onBlank`.
 */
const readStart = async (
  chunks: AsyncGenerator<string>,
  onBlank: (lines: string) => void,
): Promise<string> => {
  let text = '';
  for (;;) {
    const blank = BLANK_LINES.exec(text)?.[0] ?? '';
    if (blank !== '') onBlank(blank);
    text = text.slice(blank.length);
    if (findHeaderEnd(text) > 0 || text.length > MAX_LOOKED_AT) return text;
    const { done, value } = await chunks.next();
    if (done) return text;
    text += value;
  }
};

/**
 * The rows of a CSV. What cannot be read is reported, and passed over where the rest can be told
 * apart.
 */
export const readCsvRows = async function* (
  body: Bytes,
  { signal, onMalformed, onHeader, onDelimiter }: ReadOptions,
): AsyncGenerator<FileRow> {
  const lines = createLineCounter();
  const chunks = keepPairs(readText(body, signal));
  /** Bytes that the parser does not see. */
  let skipped = 0;
  const start = await readStart(chunks, (blank) => {
    skipped += new TextEncoder().encode(blank).byteLength;
    lines.add(blank);
  });
  lines.passTo(skipped);
  const headerEnd = findHeaderEnd(start);
  const delimiter = detectDelimiter(headerEnd < 0 ? start : start.slice(0, headerEnd));
  onDelimiter?.(delimiter);

  const pass = (bytes: number): { line: number; isBlank: boolean } => lines.passTo(skipped + bytes);
  /** A line of nothing but blanks is no row; a quoted cell of blanks is one. */
  const isNoRow = (record: readonly string[] | undefined, isBlankLine: boolean): boolean =>
    record?.length === 1 && isBlank(record[0] ?? '') && isBlankLine;

  let names: string[] | null = null;
  const report = (error: CsvError): undefined => {
    // A quote that never ends takes all the rest along.
    const end = error.code === 'CSV_QUOTE_NOT_CLOSED' ? Infinity : Number(error['bytes']);
    const { line, isBlank: isBlankLine } = pass(end);
    if (isNoRow(error['record'] as string[] | undefined, isBlankLine)) return;
    if (error.code === 'CSV_MAX_RECORD_SIZE')
      throw new GiveUp(
        `The row of line ${line} is longer than ${MAX_ROW_BYTES} bytes: does a quote never end?`,
        'bad_file',
      );
    onMalformed({ line, message: REASONS[error.code]?.(error) ?? error.message.slice(0, 200) });
  };
  const parser = parse({
    delimiter,
    record_delimiter: ['\r\n', '\n', '\r'],
    skip_empty_lines: true,
    // A quote where none belongs is text, so that it takes no other row along.
    relax_quotes: true,
    skip_records_with_error: true,
    max_record_size: MAX_ROW_BYTES,
    on_record: (record: string[], { bytes }) =>
      isNoRow(record, pass(bytes).isBlank) ? null : record,
    on_skip: (error) => error && report(error),
  });
  const source = async function* (): AsyncGenerator<string> {
    for await (const text of prepend(start, chunks)) {
      lines.add(text);
      yield text;
    }
  };
  try {
    const readable = Readable.from(source());
    // `pipe` passes on data, not errors; without this the reader would wait for ever.
    readable.on('error', (error) => parser.destroy(error));
    for await (const record of readable.pipe(parser) as AsyncIterable<string[]>) {
      if (names) yield { names, values: record };
      else {
        if (record.length > MAX_COLUMNS)
          throw new GiveUp(`The file has more than ${MAX_COLUMNS} columns`, 'bad_file');
        names = toNames(record);
        onHeader?.(names);
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    // The parser cannot go on: it no longer knows where a row begins.
    if (error instanceof CsvError) report(error);
    else throw error;
  }
};

const prepend = async function* (
  first: string,
  rest: AsyncIterable<string>,
): AsyncGenerator<string> {
  if (first !== '') yield first;
  yield* rest;
};
