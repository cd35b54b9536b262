import { readCsv } from './read-csv.ts';
import { readJson, readNdjson } from './read-json.ts';
import type { Bytes, Format, ReadOptions, Row } from './row.ts';

const READERS = { csv: readCsv, json: readJson, ndjson: readNdjson };

/** The rows of a file as they stream in; what is malformed is reported and passed over. */
export const readRows = (
  format: Exclude<Format, 'text'>,
  body: Bytes,
  options: ReadOptions,
): AsyncGenerator<Row> => READERS[format](body, options);
