import { Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { GiveUp } from '../../domain/errors.ts';
import { readText } from './read-text.ts';
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

/**
 * The rows of a CSV. What cannot be read is reported, and passed over where the rest can be told
 * apart.
 */
export const readCsvRows = async function* (
  body: Bytes,
  { signal, onMalformed, onHeader }: ReadOptions,
): AsyncGenerator<FileRow> {
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
    onMalformed({ line, message: REASONS[error.code]?.(error) ?? error.message.slice(0, 200) });
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
    const source = Readable.from(readText(body, signal));
    // `pipe` passes on data, not errors; without this the reader would wait for ever.
    source.on('error', (error) => parser.destroy(error));
    for await (const record of source.pipe(parser) as AsyncIterable<string[]>) {
      if (names) yield { names, values: record };
      else {
        names = toNames(record);
        if (names.length > MAX_COLUMNS)
          throw new GiveUp(`The file has more than ${MAX_COLUMNS} columns`, 'bad_file');
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
