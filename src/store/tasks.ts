import {
  FINAL_STATUSES,
  isFinal,
  RESEND_AFTER_MS,
  STATUSES,
  type Priority,
  type Task,
} from '../domain/task.ts';
import type { DeliveryKey } from '../domain/delivery.ts';
import { openDeliveriesSql } from './deliveries.ts';
import { toUuidFloor } from './search.ts';
import { jsonRows, toSqlList, encodeKeys, rowMapper } from './statements.ts';

/** The most tasks one INSERT carries. */
export const MAX_INSERT = 1_000;

const INSERTED: readonly (keyof Task)[] = [
  'owner',
  'id',
  'status',
  'queue',
  'type',
  'priority',
  'max_attempts',
  'attempt_budget',
  'timeout_ms',
  'wake_at',
  'submitted_at',
  'scheduled_at',
  'updated_at',
  'alias',
  'request_id',
  'callback_url',
  'idempotency_key',
  'fingerprint',
  'tags',
  'title',
  'description',
  'params',
  'result',
  'completed_at',
  'reused_from',
  'reuse_key',
];

const INSERT = `INSERT INTO tasks (${INSERTED.join(', ')}) ${jsonRows('given', '?1')}
SELECT ${INSERTED.map((_, place) => `value ->> ${place}`).join(', ')} FROM given WHERE true
ON CONFLICT DO NOTHING RETURNING id`;

const inserted = rowMapper<Task>(INSERTED, {
  attempts: '[]',
  attempt: 0,
  rescues: 0,
  version: 1,
  started_at: null,
  progress: null,
  failure_sinks: null,
});

// A new priority means another queue of the same lane: a task that waits (a parked one too) is due for a look there.
const EDIT = `UPDATE tasks SET version = version + 1, updated_at = ?1,
  title = CASE WHEN ?5 THEN ?6 ELSE title END, description = CASE WHEN ?7 THEN ?8 ELSE description END,
  wake_at = CASE WHEN priority <> ?4 AND status = 'PENDING' THEN max(?1, coalesce(scheduled_at, 0)) + ?9 ELSE wake_at END,
  queue = CASE WHEN priority <> ?4 THEN substr(queue, 1, instr(queue, '-')) || lower(?4) ELSE queue END,
  priority = coalesce(?4, priority)
WHERE owner = ?2 AND id = ?3 AND (?4 IS NULL OR priority = ?4 OR status IN ('NEW', 'PENDING', 'PAUSED'))
RETURNING *`;

// Ids begin with the time of the submit, and nothing ends before it was submitted: only old enough rows are read. The
// owners are found one by one, each by a seek.
const PRUNE = `WITH RECURSIVE owners(owner) AS (
  SELECT min(owner) FROM tasks
  UNION ALL SELECT (SELECT min(owner) FROM tasks WHERE owner > owners.owner) FROM owners WHERE owners.owner IS NOT NULL)
DELETE FROM tasks WHERE (owner, id) IN (
  SELECT tasks.owner, tasks.id FROM owners CROSS JOIN tasks ON tasks.owner = owners.owner AND tasks.id < ?2
  WHERE tasks.status IN ${toSqlList(FINAL_STATUSES)} AND tasks.completed_at < ?1 AND NOT EXISTS (
    SELECT 1 FROM deliveries WHERE owner = tasks.owner AND task_id = tasks.id AND state = 'OPEN') LIMIT ?3)
RETURNING id`;

/** What may be changed of a task's words; undefined leaves it, null clears it. */
export interface TaskEdit {
  title?: string | null | undefined;
  description?: string | null | undefined;
}

/** What is told of a task that was purged. */
export type PurgedTask = Pick<Task, 'id' | 'status' | 'scheduled_at'>;

/** Reads and inserts. Every function takes the owner: another owner's task does not exist. */
export const createTaskStore = (db: D1Database) => ({
  /**
   * Writes up to `MAX_INSERT` tasks with one statement. Ids (and idempotency keys) that are already there are left
   * alone, so repeating it is safe. Returns the ids that were new.
   * @param rows each task as `encodeTask` made it, `MAX_GROUP_CHARS` in all
   */
  async insertMany(rows: readonly string[]): Promise<Set<string>> {
    const ids = await db
      .prepare(INSERT)
      .bind(`[${rows.join(',')}]`)
      .raw<[string]>();
    return new Set(ids.map(([id]) => id));
  },

  async get(owner: string, id: string): Promise<Task | null> {
    return db
      .prepare('SELECT * FROM tasks WHERE owner = ? AND id = ?')
      .bind(owner, id)
      .first<Task>();
  },

  /** Several tasks at once, in no order; those that do not exist are left out. */
  async getMany(keys: readonly Pick<Task, 'owner' | 'id'>[]): Promise<Task[]> {
    const statement = `SELECT tasks.* FROM json_each(?1) AS k JOIN tasks
      ON tasks.owner = k.value ->> 'owner' AND tasks.id = k.value ->> 'id'`;
    return (await db.prepare(statement).bind(encodeKeys(keys)).all<Task>()).results;
  },

  /**
   * Changes words and priority; null when the task is not there, or would have to change its queue while it runs or
   * when it is final. A task that waits in a queue is to be sent to its new one.
   */
  async edit(
    owner: string,
    id: string,
    change: TaskEdit & { priority?: Priority | undefined },
    now: number,
  ): Promise<Task | null> {
    const { title, description, priority = null } = change;
    const flags = [title === undefined ? 0 : 1, description === undefined ? 0 : 1];
    const bound = [
      now,
      owner,
      id,
      priority,
      flags[0],
      title ?? null,
      flags[1],
      description ?? null,
      RESEND_AFTER_MS,
    ];
    return (
      (
        await db
          .prepare(EDIT)
          .bind(...bound)
          .all<Task>()
      ).results[0] ?? null
    );
  },

  /** Deletes tasks, unless they run. Returns the ids of those that were, and the deliveries given up with them. */
  async remove(
    owner: string,
    ids: readonly string[],
  ): Promise<{ removed: string[]; givenUp: DeliveryKey[] }> {
    const named = 'SELECT value FROM json_each(?2)';
    const statement = `DELETE FROM tasks WHERE owner = ?1 AND id IN (${named}) AND status <> 'IN_PROGRESS' RETURNING id`;
    const [open, gone] = await db.batch([
      db.prepare(openDeliveriesSql(named)).bind(owner, JSON.stringify(ids)),
      db.prepare(statement).bind(owner, JSON.stringify(ids)),
    ]);
    const removed = new Set(((gone?.results ?? []) as { id: string }[]).map(({ id }) => id));
    const owed = (open?.results ?? []) as DeliveryKey[];
    return { removed: [...removed], givenUp: owed.filter(({ task_id }) => removed.has(task_id)) };
  },

  /** Deletes up to `limit` tasks of an owner, whatever their status. Returns them, none when none is left, and the deliveries given up with them. */
  async purge(
    owner: string,
    limit: number,
  ): Promise<{ tasks: PurgedTask[]; givenUp: DeliveryKey[] }> {
    const oldest = 'SELECT id FROM tasks WHERE owner = ?1 ORDER BY id LIMIT ?2';
    const statement = `DELETE FROM tasks WHERE owner = ?1 AND id IN (${oldest}) RETURNING id, status, scheduled_at`;
    const [open, purged] = await db.batch([
      db.prepare(openDeliveriesSql(oldest)).bind(owner, limit),
      db.prepare(statement).bind(owner, limit),
    ]);
    return {
      tasks: (purged?.results ?? []) as PurgedTask[],
      givenUp: (open?.results ?? []) as DeliveryKey[],
    };
  },

  /** The tasks of an owner that were submitted under these idempotency keys, by key. */
  async findByIdempotencyKeys(owner: string, keys: readonly string[]): Promise<Map<string, Task>> {
    const statement = `SELECT tasks.* FROM json_each(?2) AS k CROSS JOIN tasks INDEXED BY tasks_idempotency
      ON tasks.owner = ?1 AND tasks.idempotency_key = k.value AND tasks.idempotency_key IS NOT NULL`;
    const { results } = await db.prepare(statement).bind(owner, JSON.stringify(keys)).all<Task>();
    return new Map(results.map((task) => [String(task.idempotency_key), task]));
  },

  /**
   * The newest output of each of these keys that is not older than `since` (ms), by key.
   * @param keys values of `reuse_key`
   */
  async reusable(
    owner: string,
    keys: readonly string[],
    since: number,
  ): Promise<Map<string, Task>> {
    const statement = `SELECT tasks.* FROM json_each(?2) AS k CROSS JOIN tasks ON tasks.owner = ?1 AND tasks.id = (
      SELECT id FROM tasks INDEXED BY tasks_reusable WHERE owner = ?1 AND reuse_key = k.value AND reuse_key IS NOT NULL
      AND status = 'COMPLETED' AND completed_at >= ?3 ORDER BY completed_at DESC LIMIT 1)`;
    const { results } = await db
      .prepare(statement)
      .bind(owner, JSON.stringify(keys), since)
      .all<Task>();
    return new Map(results.map((task) => [String(task.reuse_key), task]));
  },

  /** Deletes up to `limit` tasks that ended before `before`. Returns how many. */
  async prune(before: number, limit: number): Promise<number> {
    return (await db.prepare(PRUNE).bind(before, toUuidFloor(before), limit).all()).results.length;
  },

  /** How many tasks of an owner have not ended; stops counting at `most`. */
  async countUnfinished(owner: string, most: number): Promise<number> {
    const unfinished = toSqlList(STATUSES.filter((status) => !isFinal(status)));
    const statement = `SELECT count(*) AS n FROM (SELECT 1 FROM tasks INDEXED BY tasks_by_status
      WHERE owner = ?1 AND status IN ${unfinished} AND status <> 'COMPLETED' LIMIT ?2)`;
    return (await db.prepare(statement).bind(owner, most).first<number>('n')) ?? 0;
  },

  /** The cheapest question that only a working database with its tables answers. */
  async ping(): Promise<void> {
    await db.prepare('SELECT 1 FROM tasks LIMIT 1').all();
  },
});

export type TaskStore = ReturnType<typeof createTaskStore>;

/** A new task as `insertMany` takes it: its values by their place, which are found in half the time that names take. */
export const encodeTask = (task: Task): string =>
  JSON.stringify(INSERTED.map((column) => task[column]));

/** The task that `encodeTask` made a text of. */
export const decodeTask = (row: string): Task => inserted(JSON.parse(row) as unknown[]);
