export const FORMATS = ['csv', 'json', 'ndjson', 'text'] as const;
export type Format = (typeof FORMATS)[number];

/** One row of any format: names and values side by side. Rows of one file may share `names`. */
export interface FileRow {
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
  onMalformed(row: Malformed): void;
  /** Told of a CSV's columns, which may have no rows. */
  onHeader?(names: readonly string[]): void;
  /** Told what stands between the cells of a CSV. */
  onDelimiter?(delimiter: string): void;
}

export type Bytes = ReadableStream<Uint8Array>;

/** A longer row is none: the quote that should have ended it is missing. In bytes. */
export const MAX_ROW_BYTES = 1_048_576;
export const MAX_COLUMNS = 1_000;
