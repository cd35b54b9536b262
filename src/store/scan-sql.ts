import type { TaskFilter } from '../domain/filter.ts';
import { isStubSql } from './body-sql.ts';
import { MAX_SEARCHED_BYTES } from './match-sql.ts';

// A scan along rows that no index can tell apart, which ends after so many rows or bytes.

/** Rows that one statement looks at. */
export const MAX_SCANNED = 2_000;
/** Bytes that it looks at in them: a database that reads too much is reset for all. */
const MAX_SCANNED_BYTES = 4_000_000;

// The sizes are in a row's head: nothing long is read for them.
const ifLookedInto = (column: string): string =>
  `CASE WHEN octet_length(${column}) <= ${MAX_SEARCHED_BYTES} THEN octet_length(${column}) ELSE 0 END`;

/** Whether a filter looks into texts, and not only at what every row has in its head. */
export const looksInside = ({ words = [], fields = [], error }: TaskFilter): boolean =>
  words.length > 0 || fields.length > 0 || error !== undefined;

/** Whether it looks into parameters and results, which may lie where no search goes. */
export const looksIntoBodies = ({ words = [], fields = [] }: TaskFilter): boolean =>
  words.length > 0 || fields.length > 0;

/** What a scan asks of its source. */
export const SCAN_COLUMNS = `owner AS found_owner, id AS found_id,
    coalesce(octet_length(description), 0) + octet_length(attempts) + ${ifLookedInto('params')} + ${ifLookedInto('result')} AS scan_bytes,
    ${isStubSql('params')} OR coalesce(${isStubSql('result')}, 0) AS is_outside`;

/**
 * The rows of a scan, and one more, if there is one; `is_within` says whether a row is to be looked
 * at. They come in the order of the source, and only as many are read as are taken.
 * @param source of `SCAN_COLUMNS`
 */
export const scanSql = (source: string): string =>
  `SELECT
      found_owner,
      found_id,
      is_outside,
      sum(scan_bytes) OVER w - scan_bytes <= ${MAX_SCANNED_BYTES}
        AND row_number() OVER w <= ${MAX_SCANNED} AS is_within
    FROM (${source} LIMIT ${MAX_SCANNED + 1})
    WINDOW w AS (ROWS UNBOUNDED PRECEDING)`;
