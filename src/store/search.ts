import type { TaskFilter } from '../domain/filter.ts';
import type { Task } from '../domain/task.ts';
import { buildResidual, buildSource, chooseDriver, createBinder } from './filter-sql.ts';
import { nameStatement, SUMMARY_COLUMNS } from './statements.ts';

/**
 * Exact totals stop here, and a list that no index serves looks at this many rows at a time:
 * reading costs.
 */
const MAX_SCANNED = 10_000;

export interface Page<Row = Task> {
  tasks: Row[];
  /** The id after which the next page begins; null at the end. */
  next: string | null;
  /** The search stopped at its bound, so the page may be short: `next` goes on. */
  truncated: boolean;
}

/** `before`: a cursor; `offset`: rows to pass over. */
interface Window {
  limit: number;
  before?: string | undefined;
  offset?: number;
}

/** A page carries this much of parameters and results, in bytes. */
const MAX_PAGE_BYTES = 4_000_000;
/** Longer parameters and results are not read with their row, but once it is wanted. */
const MAX_INLINE_BYTES = 16_384;

const LONG_BYTES = 'octet_length(params) + coalesce(octet_length(result), 0)';
const PAGE_COLUMNS = [
  ...SUMMARY_COLUMNS,
  `${LONG_BYTES} AS long_bytes`,
  ...['params', 'result'].map(
    (column) => `CASE WHEN ${LONG_BYTES} <= ${MAX_INLINE_BYTES} THEN ${column} END AS ${column}`,
  ),
].join(', ');

type PageRow = Omit<Task, 'params'> & { params: string | null; long_bytes: number };

const GET_LONG = nameStatement(
  'tasks.get_long',
  `SELECT id, params, result
FROM tasks
WHERE (owner, id) IN (SELECT ?1, value FROM json_each(?2))`,
);

/**
 * The list of tasks, filtered. What an index serves is read row by row; of anything else at most
 * `MAX_SCANNED` rows.
 */
export const createTaskSearch = (db: D1Database) => {
  /** Some columns of the tasks, the id among them, newest first. */
  const find = async <Row extends Pick<Task, 'id'>>(
    columns: string,
    owner: string,
    filter: TaskFilter,
    { limit, before, offset = 0 }: Window,
  ): Promise<Page<Row>> => {
    const driver = chooseDriver(filter);
    const { values, bind } = createBinder();
    const residual = buildResidual(filter, driver, bind);
    const isBounded = residual.length > 0;
    const buildRows = (wanted: string): string =>
      buildSource(wanted, owner, filter, before, driver, bind);
    // Only the rows that are found are read as a whole. They come in the order of the source, which
    // is read no further than it must.
    const rows = isBounded
      ? `SELECT ${columns}
FROM (
    SELECT owner AS found_owner, id AS found_id
    FROM (${buildRows(`owner, id, (${residual.join(' AND ')}) AS is_match`)} LIMIT ${MAX_SCANNED})
    WHERE is_match
    LIMIT ${limit + 1} OFFSET ${offset}
  )
CROSS JOIN tasks ON tasks.owner = found_owner AND tasks.id = found_id`
      : `${buildRows(columns)} LIMIT ${limit + 1} OFFSET ${offset}`;
    // One row more than asked for tells whether there is a next page.
    const statement = db.prepare(nameStatement('tasks.search', rows)).bind(...values);
    const { results } = await statement.all<Row>();
    const tasks = results.slice(0, limit);
    if (results.length > limit) return { tasks, next: tasks.at(-1)?.id ?? null, truncated: false };
    if (!isBounded) return { tasks, next: null, truncated: false };
    // The page is short: was that all there is, or all that was looked at?
    const edge = createBinder();
    const ids = buildSource('id', owner, filter, before, driver, edge.bind);
    const edgeSql = nameStatement('tasks.search_edge', `${ids} LIMIT 1 OFFSET ${MAX_SCANNED - 1}`);
    const last = db.prepare(edgeSql).bind(...edge.values);
    const next = (await last.first<string>('id')) ?? null;
    return { tasks, next, truncated: next !== null };
  };

  /** Puts in what was too long to be read with its row. */
  const addLong = async (owner: string, rows: readonly PageRow[]): Promise<Task[]> => {
    const ids = rows.flatMap(({ id, params }) => (params === null ? [id] : []));
    const { results } =
      ids.length === 0
        ? { results: [] }
        : await db
            .prepare(GET_LONG)
            .bind(owner, JSON.stringify(ids))
            .all<Pick<Task, 'id' | 'params' | 'result'>>();
    const byId = new Map(results.map((row) => [row.id, row]));
    // One that was deleted meanwhile is left out.
    return rows.flatMap(({ params, ...row }) => {
      const long = params === null ? byId.get(row.id) : { params, result: row.result };
      return long ? [{ ...row, ...long }] : [];
    });
  };

  return {
    find,

    /** Whole tasks, newest first; as many as `MAX_PAGE_BYTES` hold, and one at least. */
    async page(
      owner: string,
      filter: TaskFilter,
      window: Window,
    ): Promise<Page & { bytes: number }> {
      const {
        tasks: rows,
        next,
        truncated,
      } = await find<PageRow>(PAGE_COLUMNS, owner, filter, window);
      let bytes = 0;
      const fitting = rows.filter(({ long_bytes }, i) => {
        bytes += long_bytes;
        return i === 0 || bytes <= MAX_PAGE_BYTES;
      });
      const isCut = fitting.length < rows.length;
      return {
        tasks: await addLong(owner, fitting),
        next: isCut ? (fitting.at(-1)?.id ?? null) : next,
        truncated: truncated || isCut,
        bytes: Math.min(bytes, MAX_PAGE_BYTES),
      };
    },

    /**
     * How many tasks the filter finds; `capped` when there are, or may be, more than were counted.
     */
    async count(
      owner: string,
      filter: TaskFilter,
      before?: string,
    ): Promise<{ total: number; capped: boolean }> {
      const driver = chooseDriver(filter);
      const { values, bind } = createBinder();
      const residual = buildResidual(filter, driver, bind);
      const isBounded = residual.length > 0;
      const matches = isBounded ? residual.join(' AND ') : '1';
      const columns = `id, (${matches}) AS is_match`;
      const source = buildSource(columns, owner, filter, before, driver, bind);
      const sql = nameStatement(
        'tasks.count',
        `SELECT count(*) AS seen, total(is_match) AS found
FROM (${source} LIMIT ${MAX_SCANNED + 1})`,
      );
      const statement = db.prepare(sql).bind(...values);
      const { seen = 0, found = 0 } =
        (await statement.first<{ seen: number; found: number }>()) ?? {};
      return { total: Math.min(found, MAX_SCANNED), capped: seen > MAX_SCANNED };
    },
  };
};

export type TaskSearch = ReturnType<typeof createTaskSearch>;
