import type { Status, Task } from '../domain/task.ts';
import { keysJson } from './statements.ts';

/** The most tasks one INSERT carries. */
export const MAX_INSERT = 100;

/** Exact totals stop here: counting reads every row. */
const MAX_TOTAL = 10_000;

const INSERTED: readonly (keyof Task)[] = [
  'owner', 'id', 'status', 'queue', 'type', 'priority', 'max_attempts', 'attempt_budget', 'timeout_ms', 'wake_at',
  'submitted_at', 'scheduled_at', 'updated_at', 'alias', 'request_id', 'callback_url', 'idempotency_key', 'fingerprint', 'tags',
  'title', 'description', 'params',
]; // prettier-ignore

const INSERT = `INSERT INTO tasks (${INSERTED.join(', ')})
SELECT ${INSERTED.map((column) => `value ->> '${column}'`).join(', ')} FROM json_each(?1) WHERE true
ON CONFLICT DO NOTHING RETURNING id`;

/** Which tasks a list shows. Several values of one filter widen it, several filters narrow it. */
export interface TaskFilter {
  statuses?: Status[] | undefined;
  types?: string[] | undefined;
}

/**
 * The index that serves a filter. Named, because the planner, which has no statistics, would walk the primary key; that
 * is right for several values at once and for COMPLETED, which most rows are.
 */
const indexFor = (statuses: Status[], types: string[]): string => {
  if (statuses.length === 1 && statuses[0] !== 'COMPLETED') return ' INDEXED BY tasks_by_status';
  return types.length === 1 ? ' INDEXED BY tasks_by_type' : '';
};

/** FROM and WHERE of a filter, with what is bound to it. */
const selection = (owner: string, { statuses = [], types = [] }: TaskFilter, before?: string) => {
  const where = ['owner = ?'];
  const bound: unknown[] = [owner];
  const add = (condition: string, ...values: string[]): void => {
    where.push(condition);
    bound.push(...values);
  };
  const oneOf = (values: string[]): string => `IN (${values.map(() => '?').join(', ')})`;
  if (statuses.length > 0) add(`status ${oneOf(statuses)}`, ...statuses);
  // Said aloud, or the partial index does not qualify.
  if (statuses.length > 0 && !statuses.includes('COMPLETED')) add(`status <> 'COMPLETED'`);
  if (types.length > 0) add(`type ${oneOf(types)}`, ...types);
  if (before !== undefined) add('id < ?', before);
  return { sql: `FROM tasks${indexFor(statuses, types)} WHERE ${where.join(' AND ')}`, bound };
};

/** Reads and inserts. Every function takes the owner: another owner's task does not exist. */
export const createTaskStore = (db: D1Database) => ({
  /**
   * Writes up to `MAX_INSERT` tasks with one statement. Ids (and idempotency keys) that are already there are left
   * alone, so repeating it is safe. Returns the ids that were new.
   * @param rows each task as `rowJson` made it, `MAX_GROUP_CHARS` in all
   */
  async insertMany(rows: readonly string[]): Promise<Set<string>> {
    const { results } = await db
      .prepare(INSERT)
      .bind(`[${rows.join(',')}]`)
      .all<{ id: string }>();
    return new Set(results.map(({ id }) => id));
  },

  async get(owner: string, id: string): Promise<Task | null> {
    return db.prepare('SELECT * FROM tasks WHERE owner = ? AND id = ?').bind(owner, id).first<Task>();
  },

  /** Several tasks at once, in no order; those that do not exist are left out. */
  async getMany(keys: readonly Pick<Task, 'owner' | 'id'>[]): Promise<Task[]> {
    const statement = `SELECT tasks.* FROM json_each(?1) AS k JOIN tasks
      ON tasks.owner = k.value ->> 'owner' AND tasks.id = k.value ->> 'id'`;
    return (await db.prepare(statement).bind(keysJson(keys)).all<Task>()).results;
  },

  /** Newest first. `before` is the id after which the page begins (a cursor), `offset` the number of rows to pass over. */
  async list(
    owner: string,
    filter: TaskFilter,
    page: { limit: number; before?: string | undefined; offset?: number },
  ): Promise<Task[]> {
    const { sql, bound } = selection(owner, filter, page.before);
    const statement = db
      .prepare(`SELECT * ${sql} ORDER BY id DESC LIMIT ? OFFSET ?`)
      .bind(...bound, page.limit, page.offset ?? 0);
    return (await statement.all<Task>()).results;
  },

  /** How many tasks the filter finds; `capped` when there are more than the `MAX_TOTAL` that are counted. */
  async count(owner: string, filter: TaskFilter): Promise<{ total: number; capped: boolean }> {
    const { sql, bound } = selection(owner, filter);
    const statement = `SELECT count(*) AS total FROM (SELECT 1 ${sql} LIMIT ${MAX_TOTAL + 1})`;
    const counted =
      (await db
        .prepare(statement)
        .bind(...bound)
        .first<number>('total')) ?? 0;
    return { total: Math.min(counted, MAX_TOTAL), capped: counted > MAX_TOTAL };
  },

  /** The cheapest question that only a working database with its tables answers. */
  async ping(): Promise<void> {
    await db.prepare('SELECT 1 FROM tasks LIMIT 1').all();
  },
});

export type TaskStore = ReturnType<typeof createTaskStore>;

/** A task as `insertMany` takes it; `params` and `tags` stay text within it. */
export const rowJson = (task: Task): string => JSON.stringify(task, INSERTED as string[]);
