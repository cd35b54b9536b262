import { MAX_INLINE_BYTES } from '../domain/body.ts';
import { chunk } from '../domain/chunk.ts';
import type { Task } from '../domain/task.ts';
import { bodyBytesSql } from './body-sql.ts';
import { nameStatement, SUMMARY_COLUMNS } from './statements.ts';

// Parameters and results may have a megabyte each, and what a statement returns is held in memory, here
// and by the database, which is reset for all when it has too much. So rows of many tasks come without
// what is long in them, and that is read in turns.

/** What one statement returns of long ones, unless a single one is longer. */
const MAX_TURN_BYTES = 1_500_000;

// Of those that lie outside, too: they are fetched for an answer.
const LONG_BYTES = `${bodyBytesSql('params')} + coalesce(${bodyBytesSql('result')}, 0)`;

/**
 * The columns of a row without its long parts, its history cut to the end where it is long.
 * @param isWanted SQL: of other rows the history is not read
 */
export const selectHead = (isWanted: string): string =>
  SUMMARY_COLUMNS.map((column) =>
    column === 'attempts'
      ? `CASE
    WHEN NOT (${isWanted}) THEN NULL
    WHEN octet_length(attempts) <= ${MAX_INLINE_BYTES} THEN attempts
    ELSE json_array(attempts -> '$[#-2]', attempts -> '$[#-1]')
  END AS attempts`
      : column,
  ).join(', ');

/**
 * What is short of it: null in `params` means that `readBodies` has it.
 * @param isWanted SQL: of other rows it is not read
 */
export const selectBodies = (isWanted: string): string => {
  const isShort = `(${isWanted}) AND ${LONG_BYTES} <= ${MAX_INLINE_BYTES}`;
  const columns = ['params', 'result'].map(
    (column) => `CASE WHEN ${isShort} THEN ${column} END AS ${column}`,
  );
  return [`${LONG_BYTES} AS long_bytes`, ...columns].join(', ');
};

/** A row as these columns give it. */
export type ShortRow = Omit<Task, 'params' | 'checkpoint' | 'identifiers' | 'template'> & {
  params: string | null;
  long_bytes: number;
};

const GET_BODIES = nameStatement(
  'tasks.get_bodies',
  `SELECT tasks.owner, tasks.id, tasks.params, tasks.result
FROM json_each(?1) AS k
JOIN tasks ON tasks.owner = k.value ->> 0 AND tasks.id = k.value ->> 1`,
);

/**
 * Puts in what was too long to be read with its row, a bounded part at a time. Checkpoints, identifiers and
 * templates are not read. A task that was deleted meanwhile is left out.
 */
export const readBodies = async (db: D1Database, rows: readonly ShortRow[]): Promise<Task[]> => {
  const isLong = ({ params }: ShortRow): boolean => params === null;
  const bodies = new Map<string, Pick<Task, 'params' | 'result'>>();
  const sizeOf = ({ long_bytes }: ShortRow): number => long_bytes;
  for (const group of chunk(rows.filter(isLong), { sizeOf, maxSize: MAX_TURN_BYTES })) {
    const keys = JSON.stringify(group.map(({ owner, id }) => [owner, id]));
    const { results } = await db
      .prepare(GET_BODIES)
      .bind(keys)
      .all<Pick<Task, 'owner' | 'id' | 'params' | 'result'>>();
    for (const { owner, id, ...body } of results) bodies.set(`${owner} ${id}`, body);
  }
  return rows.flatMap((short) => {
    const { params, long_bytes: _, ...row } = short;
    const body =
      params === null ? bodies.get(`${row.owner} ${row.id}`) : { params, result: row.result };
    return body ? [{ ...row, ...body, checkpoint: null, identifiers: null, template: null }] : [];
  });
};
