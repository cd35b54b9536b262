import { BORN, FLOWLESS, UNUSED, type FlowPart } from '../domain/new-task.ts';
import type { Task, TaskKey } from '../domain/task.ts';
import type { HeldReason } from '../domain/words.ts';
import { DIRECT_COLUMNS, pickDirect } from '../domain/direct-run.ts';
import { runnableSql } from './runnable.ts';
import { encodeKeys, jsonRows, nameStatement, rowMapper, TASK_COLUMNS } from './statements.ts';

/** The most tasks one INSERT carries. */
export const MAX_INSERT = 1_000;

/** The same in every new row: the defaults of the table. */
const FIXED = {
  ...UNUSED,
  ...FLOWLESS,
  ...BORN,
  attempts: '[]',
  attempt: 0,
  rescues: 0,
  version: 1,
  started_at: null,
  progress: null,
  failure_sinks: null,
} as const satisfies Partial<Task>;

/** The columns that a new row brings, in the order in which `encodeTask` has their values. */
export const INSERT_COLUMNS = TASK_COLUMNS.filter((column) => !(column in FIXED));
/** The same of a task of a flow. */
const FLOW_COLUMNS = [...INSERT_COLUMNS, ...(Object.keys(FLOWLESS) as (keyof FlowPart)[])];

const valueSql = (column: (typeof FLOW_COLUMNS)[number]): string =>
  `value ->> ${FLOW_COLUMNS.indexOf(column)}`;

// A type's own limit holds for all of its tasks that name none.
const LIMIT_KEY = `coalesce(${valueSql('limit_key')}, limits.key)`;
const IS_RUNNABLE = `${valueSql('completed_at')} IS NULL`;
const decideBy = (blockedBy: string): Partial<Record<keyof Task, string>> => {
  const runnable = runnableSql({
    now: valueSql('submitted_at'),
    scheduledAt: valueSql('scheduled_at'),
    queue: valueSql('queue'),
    timeoutMs: valueSql('timeout_ms'),
    limitKey: LIMIT_KEY,
    priority: valueSql('priority'),
    id: valueSql('id'),
    blockedBy,
  });
  return {
    held: `CASE WHEN ${IS_RUNNABLE} THEN ${runnable.held} END`,
    wake_at: `CASE WHEN ${IS_RUNNABLE} THEN ${runnable.wakeAt} END`,
    turn: `CASE WHEN ${IS_RUNNABLE} THEN ${runnable.turn} END`,
    limit_key: LIMIT_KEY,
    // A release before knows none.
    sub_key: `coalesce(${valueSql('sub_key')}, '')`,
  };
};

const JOIN_LIMITS = `LEFT JOIN limits
  ON limits.owner = ${valueSql('owner')} AND limits.key = ${valueSql('type')} AND limits.for_type = 1`;
const insertSql = (
  name: string,
  columns: readonly (keyof Task)[],
  decided: Partial<Record<keyof Task, string>>,
): string =>
  nameStatement(
    name,
    `INSERT INTO tasks (${columns.join(', ')})
${jsonRows('given', '?1')}
SELECT ${columns.map((column) => decided[column] ?? valueSql(column)).join(', ')}
FROM given
${JOIN_LIMITS}
WHERE true
ON CONFLICT DO NOTHING
RETURNING id, held`,
  );
const INSERT = insertSql('tasks.insert', INSERT_COLUMNS, decideBy('NULL'));
/** Tasks of flows, ?1 as `encodeFlowTask` made them. Those whose flow is gone are left out. */
export const INSERT_FLOW_TASKS = insertSql(
  'flows.insert_tasks',
  FLOW_COLUMNS,
  decideBy(valueSql('blocked_by')),
);

/** The columns of a row that was born with its run. */
const BORN_COLUMNS = [...new Set([...INSERT_COLUMNS, ...DIRECT_COLUMNS])];
/** What they are where a limit or a paused queue keeps the task: both wait without a moment. */
const KEPT: Partial<Record<keyof Task, string>> = {
  held: 'kept_by',
  wake_at: 'NULL',
  attempt: String(FIXED.attempt),
  attempts: `'${FIXED.attempts}'`,
  version: String(FIXED.version),
  started_at: 'NULL',
};
const DECIDED = decideBy('NULL');
const directSql = (column: keyof Task): string => {
  if (column === 'limit_key' || column === 'turn') return column;
  if (!(DIRECT_COLUMNS as readonly string[]).includes(column)) return valueSql(column);
  const own = `value ->> '$[${INSERT_COLUMNS.length}].${column}'`;
  return `CASE WHEN kept_by IS NULL THEN ${own} ELSE ${KEPT[column] ?? valueSql(column)} END`;
};
const INSERT_DIRECT = nameStatement(
  'tasks.insert_direct',
  `INSERT INTO tasks (${BORN_COLUMNS.join(', ')})
${jsonRows('given', '?1')},
decided AS MATERIALIZED (
  SELECT value, ${LIMIT_KEY} AS limit_key, ${DECIDED.held} AS kept_by, ${DECIDED.turn} AS turn
  FROM given
  ${JOIN_LIMITS}
)
SELECT ${BORN_COLUMNS.map(directSql).join(', ')}
FROM decided
WHERE true
ON CONFLICT DO NOTHING
RETURNING id, CASE WHEN attempt > 0 THEN 'lease' ELSE held END`,
);

const toRow = rowMapper<Task>(INSERT_COLUMNS, FIXED);

/**
 * A new task as a JSON list of its values: SQLite finds a value by its place in half the time that
 * a name takes.
 */
export const encodeTask = (task: Task): string =>
  JSON.stringify(INSERT_COLUMNS.map((column) => task[column]));
/** The same of a task of a flow. */
export const encodeFlowTask = (task: Task): string =>
  JSON.stringify(FLOW_COLUMNS.map((column) => task[column]));

/** The same of a task with what its direct run decided, as one value more. */
export const encodeDirect = (task: Task, born: Task): string =>
  `${encodeTask(task).slice(0, -1)},${JSON.stringify(pickDirect(born))}]`;

/** The task that `encodeTask` made a text of. */
export const decodeTask = (text: string): Task => toRow(JSON.parse(text) as unknown[]);

/**
 * Writes up to `MAX_INSERT` tasks with one statement. Ids (and idempotency keys) that are already
 * there are left alone, so repeating it is safe. Returns the ids that were new, and what
 * holds each: `lease` is said of a direct run that counts, whether it is over or not.
 * @param rows each task as `encodeTask` made it, `MAX_GROUP_CHARS` in all
 * @param direct those that `encodeDirect` made, which are a statement of their own
 */
export const insertTasks = async (
  db: D1Database,
  rows: readonly string[],
  direct: readonly string[] = [],
): Promise<Map<string, HeldReason | null>> => {
  const prepare = (sql: string, values: readonly string[]): D1PreparedStatement =>
    db.prepare(sql).bind(`[${values.join(',')}]`);
  const inserts = [
    ...(rows.length > 0 ? [prepare(INSERT, rows)] : []),
    ...(direct.length > 0 ? [prepare(INSERT_DIRECT, direct)] : []),
  ];
  type Born = [string, HeldReason | null];
  const [only] = inserts;
  if (only && inserts.length === 1) return new Map(await only.raw<Born>());
  const all = await db.batch<Record<string, string | null>>(inserts);
  return new Map(all.flatMap(({ results }) => results.map((row) => Object.values(row) as Born)));
};

/** What tells of a row whether anybody has changed it since it was inserted. */
export type Birth = Pick<Task, 'id' | 'held' | 'version' | 'started_at'>;

const FIND_BIRTHS = nameStatement(
  'tasks.find_births',
  `SELECT id, held, version, started_at
FROM tasks
WHERE (owner, id) IN (SELECT value ->> 'owner', value ->> 'id' FROM json_each(?1))`,
);

/** Which of them exist, by id. */
export const findBirths = async (
  db: D1Database,
  keys: readonly TaskKey[],
): Promise<Map<string, Birth>> => {
  const { results } = await db.prepare(FIND_BIRTHS).bind(encodeKeys(keys)).all<Birth>();
  return new Map(results.map((birth) => [birth.id, birth]));
};
