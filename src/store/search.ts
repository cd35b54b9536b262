import type { TaskFilter } from '../domain/filter.ts';
import type { Task } from '../domain/task.ts';

/** Exact totals stop here, and a list that no index serves looks at this many rows at a time: reading costs. */
const MAX_SCANNED = 10_000;

export interface Page<Row = Task> {
  tasks: Row[];
  /** The id after which the next page begins; null at the end. */
  next: string | null;
  /** The page may be short, because only so many rows were looked at: `next` goes on. */
  truncated: boolean;
}

/** The least UUIDv7 of a moment (RFC 9562): its first 48 bits are milliseconds. */
export const toUuidFloor = (ms: number): string => {
  const hex = Math.min(Math.max(0, Math.floor(ms)), 0xffff_ffff_ffff)
    .toString(16)
    .padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
};

/** An id was made a moment before or after its row. */
const ID_SLACK_MS = 5_000;

/** The values of a statement; each is bound once, however often it is used (D1 takes 100). */
const createBinder = () => {
  const values: unknown[] = [];
  return {
    values,
    /** The placeholder of a value. */
    bind(value: unknown): string {
      const at = values.indexOf(value);
      return `?${at >= 0 ? at + 1 : values.push(value)}`;
    },
  };
};
type Bind = (value: unknown) => string;

/**
 * The JSON paths that a filter's path may mean (https://www.sqlite.org/json1.html#path_arguments): a segment of digits is a
 * place in a list or a name. The caller has seen to it that no segment has a quote.
 */
const toJsonPaths = (path: readonly string[]): string[] =>
  path.reduce<string[]>(
    (paths, segment, i) => {
      const named = paths.map((each) => `${each}."${segment}"`);
      // Of many numbers the later ones are places alone: each doubles the paths.
      const isPlace = /^\d+$/.test(segment);
      if (!isPlace) return named;
      const placed = paths.map((each) => `${each}[${segment}]`);
      return path.slice(0, i).filter((each) => /^\d+$/.test(each)).length < 2
        ? [...placed, ...named]
        : placed;
    },
    ['$'],
  );

const oneOf = (expression: string, values: readonly string[] | undefined, bind: Bind): string[] =>
  values && values.length > 0
    ? [`${expression} IN (SELECT value FROM json_each(${bind(JSON.stringify(values))}))`]
    : [];

const SEARCHED = `lower(coalesce(title, '') || char(10) || coalesce(description, '') || char(10) || id || char(10) || coalesce(attempts ->> '$[#-1].error.message', ''))`;

/** What no index serves; empty where the driver finds exactly what is asked for. */
const buildResidual = (filter: TaskFilter, { byStatus, byType }: Driver, bind: Bind): string[] => [
  ...(byStatus ? [] : oneOf('status', filter.statuses, bind)),
  ...(byType ? [] : oneOf('type', filter.types, bind)),
  ...oneOf('priority', filter.priorities, bind),
  ...oneOf('queue', filter.queues, bind),
  ...oneOf('t.value', filter.tags, bind).map(
    (isWanted) => `EXISTS (SELECT 1 FROM json_each(tags) AS t WHERE ${isWanted})`,
  ),
  ...(filter.error === undefined
    ? []
    : [`attempts ->> '$[#-1].error.message' = ${bind(filter.error)}`]),
  ...(filter.words ?? []).map((word) => `instr(${SEARCHED}, lower(${bind(word)})) > 0`),
  ...(filter.fields ?? []).map(({ column, path, value }) => {
    const wanted = bind(value);
    const fits = toJsonPaths(path).map((each) => {
      const at = bind(each);
      return `((json_type(${column}, ${at}) = 'text' AND ${column} ->> ${at} = ${wanted}) OR ${column} -> ${at} = ${wanted})`;
    });
    return `(${fits.join(' OR ')})`;
  }),
  ...(filter.retrying === undefined
    ? []
    : [`(status = 'PENDING' AND attempt > 0) = ${filter.retrying ? 1 : 0}`]),
  ...(filter.ahead === undefined
    ? []
    : [
        `(status = 'NEW' OR (status = 'PENDING' AND coalesce(scheduled_at, 0) > ${bind(filter.ahead.now)})) = ${filter.ahead.is ? 1 : 0}`,
      ]),
];

/** How the rows are found, newest first: by an index, once for each of its values, or along the primary key. */
interface Driver {
  byStatus: boolean;
  byType: boolean;
}

/** D1 takes as many SELECTs in a compound one: https://github.com/cloudflare/workerd/issues/795 */
const MAX_ARMS = 5;

/**
 * By status unless COMPLETED is among those wanted, which most rows are and no index holds; else by type; else along the
 * primary key. The indexes are named, because the planner, which has no statistics, would choose the primary key.
 */
const chooseDriver = ({ statuses = [], types = [], ids }: TaskFilter): Driver => {
  if (ids) return { byStatus: false, byType: false };
  const fits = (values: readonly string[]): boolean =>
    values.length > 0 && new Set(values).size <= MAX_ARMS;
  const byStatus = fits(statuses) && !statuses.includes('COMPLETED');
  return { byStatus, byType: !byStatus && fits(types) };
};

/** The rows of the driver, merged newest first. Only as many are read as are taken from it. */
const source = (
  columns: string,
  owner: string,
  filter: TaskFilter,
  before: string | undefined,
  { byStatus, byType }: Driver,
  bind: Bind,
): string => {
  const { submittedAfter: after, submittedBefore: until } = filter;
  const within = [
    `owner = ${bind(owner)}`,
    ...(before === undefined ? [] : [`id < ${bind(before)}`]),
    ...(filter.ids === undefined
      ? []
      : [`id IN (SELECT value FROM json_each(${bind(JSON.stringify(filter.ids))}))`]),
    ...(after === undefined
      ? []
      : [`id >= ${bind(toUuidFloor(after - ID_SLACK_MS))} AND submitted_at >= ${bind(after)}`]),
    ...(until === undefined
      ? []
      : [`id < ${bind(toUuidFloor(until + ID_SLACK_MS))} AND submitted_at < ${bind(until)}`]),
  ];
  const arm = (index: string, ...conditions: string[]): string =>
    `SELECT ${columns} FROM tasks ${index} WHERE ${[...within, ...conditions].join(' AND ')}`;
  const arms = byStatus
    ? // Said aloud, or the partial index does not qualify.
      [...new Set(filter.statuses)].map((status) =>
        arm('INDEXED BY tasks_by_status', `status = ${bind(status)}`, `status <> 'COMPLETED'`),
      )
    : byType
      ? [...new Set(filter.types)].map((type) =>
          arm('INDEXED BY tasks_by_type', `type = ${bind(type)}`),
        )
      : [arm('')];
  return `${arms.join(' UNION ALL ')} ORDER BY id DESC`;
};

/** `before`: a cursor; `offset`: rows to pass over. */
interface Where {
  limit: number;
  before?: string | undefined;
  offset?: number;
}

/** The list of tasks, filtered. What an index serves is read row by row; of anything else at most `MAX_SCANNED` rows. */
export const createTaskSearch = (db: D1Database) => ({
  /** Whole tasks, newest first. */
  page(owner: string, filter: TaskFilter, where: Where): Promise<Page> {
    return this.find<Task>('*', owner, filter, where);
  },

  /** Some columns of the tasks, the id among them, newest first. */
  async find<Row extends Pick<Task, 'id'>>(
    columns: string,
    owner: string,
    filter: TaskFilter,
    { limit, before, offset = 0 }: Where,
  ): Promise<Page<Row>> {
    const driver = chooseDriver(filter);
    const { values, bind } = createBinder();
    const residual = buildResidual(filter, driver, bind);
    const isBounded = residual.length > 0;
    const rows = source(isBounded ? '*' : columns, owner, filter, before, driver, bind);
    const window = isBounded
      ? `SELECT ${columns} FROM (${rows} LIMIT ${MAX_SCANNED}) WHERE ${residual.join(' AND ')} ORDER BY id DESC`
      : rows;
    // One row more than asked for tells whether there is a next page.
    const statement = `${window} LIMIT ${limit + 1} OFFSET ${offset}`;
    const { results } = await db
      .prepare(statement)
      .bind(...values)
      .all<Row>();
    const tasks = results.slice(0, limit);
    if (results.length > limit) return { tasks, next: tasks.at(-1)?.id ?? null, truncated: false };
    if (!isBounded) return { tasks, next: null, truncated: false };
    // The page is short: was that all there is, or all that was looked at?
    const last = createBinder();
    const ids = source('id', owner, filter, before, driver, last.bind);
    const edge = db.prepare(`${ids} LIMIT 1 OFFSET ${MAX_SCANNED - 1}`).bind(...last.values);
    const next = (await edge.first<string>('id')) ?? null;
    return { tasks, next, truncated: next !== null };
  },

  /** How many tasks the filter finds; `capped` when there are, or may be, more than were counted. */
  async count(
    owner: string,
    filter: TaskFilter,
    before?: string,
  ): Promise<{ total: number; capped: boolean }> {
    const driver = chooseDriver(filter);
    const { values, bind } = createBinder();
    const residual = buildResidual(filter, driver, bind);
    const isBounded = residual.length > 0;
    const rows = source(isBounded ? '*' : 'id', owner, filter, before, driver, bind);
    const fits = isBounded ? residual.join(' AND ') : '1';
    const statement = `SELECT count(*) AS seen, total(${fits}) AS found FROM (${rows} LIMIT ${MAX_SCANNED + 1})`;
    const row = await db
      .prepare(statement)
      .bind(...values)
      .first<{ seen: number; found: number }>();
    const { seen = 0, found = 0 } = row ?? {};
    return { total: Math.min(found, MAX_SCANNED), capped: seen > MAX_SCANNED };
  },
});

export type TaskSearch = ReturnType<typeof createTaskSearch>;
