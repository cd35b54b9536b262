import type { Order, TaskFilter } from '../domain/filter.ts';
import type { Task } from '../domain/task.ts';
import { buildResidual, buildSource, chooseDriver, createBinder } from './filter-sql.ts';
import { readBodies, selectBodies, selectHead, type ShortRow } from './bodies.ts';
import { resolveWords } from './resolve-words.ts';
import { looksInside, looksIntoBodies, MAX_SCANNED, SCAN_COLUMNS, scanSql } from './scan-sql.ts';
import { nameStatement } from './statements.ts';

/** Exact totals stop here: reading costs. */
const MAX_COUNTED = 10_000;

export interface Page<Row = Task> {
  tasks: Row[];
  /** The id after which the next page begins; null at the end. */
  next: string | null;
  /**
   * The page may be short: the search stopped at its bound, and `next` goes on, or it passed large bodies,
   * which it does not look into.
   */
  truncated: boolean;
}

/** `cursor`: the id after which it begins; `offset`: rows to pass over; newest first unless told. */
interface Window {
  limit: number;
  cursor?: string | undefined;
  offset?: number;
  order?: Order;
}

/** Where a scan ended, and whether it passed bodies that it cannot look into. */
interface Edge {
  id: string | null;
  has_more: 0 | 1 | null;
  has_outside: 0 | 1 | null;
}

/** A page carries this much of parameters and results, in bytes. */
const MAX_PAGE_BYTES = 1_500_000;

/** Columns, given the SQL that says whether a row is wanted: of others nothing long is read. */
type SelectColumns = (isWanted: string) => string;

const selectPage: SelectColumns = (isWanted) =>
  [selectHead(isWanted), selectBodies(isWanted)].join(', ');

/**
 * The list of tasks, filtered. What an index serves is read row by row; anything else is scanned,
 * a bounded part at a time.
 */
export const createTaskSearch = (db: D1Database) => {
  /** Some columns of the tasks, the id among them. */
  const find = async <Row extends Pick<Task, 'id'>>(
    selectColumns: SelectColumns,
    owner: string,
    asked: TaskFilter,
    { limit, cursor, offset = 0, order = 'newest' }: Window,
  ): Promise<Page<Row>> => {
    const filter = await resolveWords(db, owner, asked);
    const driver = chooseDriver(filter);
    const { values, bind } = createBinder();
    const residual = buildResidual(filter, driver, bind);
    const isScan = residual.length > 0;
    const wanted = isScan ? residual.join(' AND ') : '1';
    const buildRows = (columns: string): string =>
      buildSource(columns, owner, filter, { cursor, order }, driver, bind);
    const page = `LIMIT ${limit + 1} OFFSET ${offset}`;
    const buildStatement = (): string => {
      if (!isScan) return `${buildRows(selectColumns('1'))} ${page}`;
      if (!looksInside(filter))
        return `SELECT *
FROM (${buildRows(`${selectColumns(wanted)}, (${wanted}) AS is_match`)} LIMIT ${MAX_SCANNED})
WHERE is_match
${page}`;
      return `SELECT ${selectColumns('1')}
FROM (
    SELECT found_owner, found_id
    FROM (${scanSql(buildRows(SCAN_COLUMNS))})
    CROSS JOIN tasks ON tasks.owner = found_owner AND tasks.id = found_id
    WHERE is_within AND ${wanted}
    ${page}
  )
CROSS JOIN tasks ON tasks.owner = found_owner AND tasks.id = found_id`;
    };
    // One row more than asked for tells whether there is a next page.
    const statement = db.prepare(nameStatement('tasks.search', buildStatement())).bind(...values);
    const { results } = await statement.all<Row>();
    const tasks = results.slice(0, limit);
    if (results.length > limit) return { tasks, next: tasks.at(-1)?.id ?? null, truncated: false };
    if (!isScan) return { tasks, next: null, truncated: false };
    // The page is short: was that all there is, or all that was looked at?
    const edge = createBinder();
    const buildEdge = (columns: string): string =>
      buildSource(columns, owner, filter, { cursor, order }, driver, edge.bind);
    const edgeSql = looksInside(filter)
      ? `SELECT ${order === 'newest' ? 'min' : 'max'}(found_id) FILTER (WHERE is_within) AS id, min(is_within) = 0 AS has_more,
  max(is_within AND is_outside) AS has_outside
FROM (${scanSql(buildEdge(SCAN_COLUMNS))})`
      : `SELECT id, 1 AS has_more, 0 AS has_outside FROM (${buildEdge('id')} LIMIT 1 OFFSET ${MAX_SCANNED - 1})`;
    const last = db.prepare(nameStatement('tasks.search_edge', edgeSql)).bind(...edge.values);
    const { id = null, has_more, has_outside } = (await last.first<Partial<Edge>>()) ?? {};
    const next = has_more === 1 ? id : null;
    const isBlind = has_outside === 1 && looksIntoBodies(filter);
    return { tasks, next, truncated: next !== null || isBlind };
  };

  return {
    find,

    /** Whole tasks; as many as `MAX_PAGE_BYTES` hold, and one at least. */
    async page(
      owner: string,
      filter: TaskFilter,
      window: Window,
    ): Promise<Page & { bytes: number }> {
      const {
        tasks: rows,
        next,
        truncated,
      } = await find<ShortRow>(selectPage, owner, filter, window);
      let bytes = 0;
      const fitting = rows.filter(({ long_bytes }, i) => {
        bytes += long_bytes;
        return i === 0 || bytes <= MAX_PAGE_BYTES;
      });
      const isCut = fitting.length < rows.length;
      return {
        tasks: await readBodies(db, fitting),
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
      asked: TaskFilter,
      cursor?: string,
    ): Promise<{ total: number; capped: boolean }> {
      const filter = await resolveWords(db, owner, asked);
      const driver = chooseDriver(filter);
      const { values, bind } = createBinder();
      const residual = buildResidual(filter, driver, bind);
      const wanted = residual.length > 0 ? residual.join(' AND ') : '1';
      const most = residual.length > 0 ? MAX_SCANNED : MAX_COUNTED;
      const buildRows = (columns: string): string =>
        buildSource(columns, owner, filter, { cursor, order: 'newest' }, driver, bind);
      const sql = looksInside(filter)
        ? `SELECT
  total(CASE WHEN is_within THEN ${wanted} END) AS found,
  min(is_within) = 0 AS is_capped
FROM (${scanSql(buildRows(SCAN_COLUMNS))})
CROSS JOIN tasks ON tasks.owner = found_owner AND tasks.id = found_id`
        : `SELECT total(is_match) AS found, count(*) > ${most} AS is_capped
FROM (${buildRows(`id, (${wanted}) AS is_match`)} LIMIT ${most + 1})`;
      const statement = db.prepare(nameStatement('tasks.count', sql)).bind(...values);
      const counted = await statement.first<{ found: number; is_capped: 0 | 1 | null }>();
      const { found = 0, is_capped = 0 } = counted ?? {};
      return { total: Math.min(found, MAX_COUNTED), capped: is_capped === 1 };
    },
  };
};

export type TaskSearch = ReturnType<typeof createTaskSearch>;
