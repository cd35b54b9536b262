import type { Status, Task } from '../domain/task.ts';
import { keysJson } from './statements.ts';

/** The most tasks one INSERT carries. */
export const MAX_INSERT = 100;

/** Exact totals stop here: counting reads every row. */
export const MAX_TOTAL = 10_000;

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

const conditionsOf = (owner: string, { statuses = [], types = [] }: TaskFilter) => {
  const where = ['owner = ?'];
  const bound: string[] = [owner];
  const oneOf = (column: string, values: string[]) => {
    if (values.length === 0) return;
    where.push(`${column} IN (${values.map(() => '?').join(', ')})`);
    bound.push(...values);
  };
  oneOf('status', statuses);
  oneOf('type', types);
  // Said aloud, or SQLite does not see that the partial index `tasks_by_status` may serve.
  if (statuses.length > 0 && !statuses.includes('COMPLETED')) where.push(`status <> 'COMPLETED'`);
  return { where: where.join(' AND '), bound };
};

/** Reads and inserts. Every function takes the owner: another owner's task does not exist. */
export const createTaskStore = (db: D1Database) => ({
  /**
   * Writes up to `MAX_INSERT` tasks with one statement. Ids (and idempotency keys) that are already there are left
   * alone, so repeating it is safe. Returns the ids that were new.
   * @param rows each task as `rowJson` made it, `MAX_GROUP_CHARS` in all
   */
  async insertMany(rows: readonly string[]): Promise<Set<string>> {
    const { results } = await db.prepare(INSERT).bind(`[${rows.join(',')}]`).all<{ id: string }>();
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
  async list(owner: string, filter: TaskFilter, page: { limit: number; before?: string | undefined; offset?: number }): Promise<Task[]> {
    const { where, bound } = conditionsOf(owner, filter);
    const cursor = page.before === undefined ? '' : ' AND id < ?';
    const statement = `SELECT * FROM tasks WHERE ${where}${cursor} ORDER BY id DESC LIMIT ? OFFSET ?`;
    const values = [...bound, ...(page.before === undefined ? [] : [page.before]), page.limit, page.offset ?? 0];
    return (await db.prepare(statement).bind(...values).all<Task>()).results;
  },

  /** How many tasks the filter finds; stops counting at `MAX_TOTAL + 1`. */
  async count(owner: string, filter: TaskFilter): Promise<number> {
    const { where, bound } = conditionsOf(owner, filter);
    const statement = `SELECT COUNT(*) AS total FROM (SELECT 1 FROM tasks WHERE ${where} LIMIT ${MAX_TOTAL + 1})`;
    return (await db.prepare(statement).bind(...bound).first<number>('total')) ?? 0;
  },

  /** The cheapest question that only a working database with its tables answers. */
  async ping(): Promise<void> {
    await db.prepare('SELECT 1 FROM tasks LIMIT 1').all();
  },
});

export type TaskStore = ReturnType<typeof createTaskStore>;

/** A task as `insertMany` takes it; `params` and `tags` stay text within it. */
export const rowJson = (task: Task): string => JSON.stringify(task, INSERTED as string[]);
