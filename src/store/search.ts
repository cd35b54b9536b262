import type { TaskFilter } from '../domain/filter.ts';
import type { Task } from '../domain/task.ts';
import { buildResidual, buildSource, chooseDriver, createBinder } from './filter-sql.ts';
import { nameStatement } from './statements.ts';

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
    const source = buildSource(isBounded ? '*' : columns, owner, filter, before, driver, bind);
    const rows = isBounded
      ? `SELECT ${columns}
FROM (${source} LIMIT ${MAX_SCANNED})
WHERE ${residual.join('\n  AND ')}
ORDER BY id DESC`
      : source;
    // One row more than asked for tells whether there is a next page.
    const sql = nameStatement('tasks.search', `${rows} LIMIT ${limit + 1} OFFSET ${offset}`);
    const statement = db.prepare(sql).bind(...values);
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

  return {
    find,

    /** Whole tasks, newest first. */
    page: (owner: string, filter: TaskFilter, window: Window): Promise<Page> =>
      find<Task>('*', owner, filter, window),

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
      const source = buildSource(isBounded ? '*' : 'id', owner, filter, before, driver, bind);
      const matches = isBounded ? residual.join(' AND ') : '1';
      const sql = nameStatement(
        'tasks.count',
        `SELECT count(*) AS seen, total(${matches}) AS found
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
