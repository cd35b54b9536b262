import { readCsvRows } from './read-csv.ts';
import { readJsonRows, readNdjsonRows } from './read-json.ts';
import type { Bytes, Format, ReadOptions, FileRow } from './row.ts';

const READERS = { csv: readCsvRows, json: readJsonRows, ndjson: readNdjsonRows };

/** The rows of a file as they stream in; what is malformed is reported and passed over. */
export const readRows = (
  format: Exclude<Format, 'text'>,
  body: Bytes,
  options: ReadOptions,
): AsyncGenerator<FileRow> => READERS[format](body, options);
