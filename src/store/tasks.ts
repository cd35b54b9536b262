import { and, eq, inArray, or, sql, type SQL } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { QueryBuilder, type SQLiteColumn } from 'drizzle-orm/sqlite-core';
import { lifecycle } from '../domain/lifecycle.ts';
import type { Task, TaskKey } from '../domain/task.ts';
import { isFinal, STATUSES, type Priority, type Status } from '../domain/words.ts';
import { tasksTable } from '../schema/tasks.ts';
import { readBodies, selectBodies, type ShortRow } from './bodies.ts';
import { createDeletions } from './deletions.ts';
import { findBirths, insertTasks } from './inserts.ts';
import { createPrunes } from './prunes.ts';
import { runnableSql } from './runnable.ts';
import { encodeKeys, nameStatement, SUMMARY_COLUMNS, toSqlList } from './statements.ts';

const IS_TASK = and(
  eq(tasksTable.owner, sql.placeholder('owner')),
  eq(tasksTable.id, sql.placeholder('id')),
);
// Built once: to build it at every read would cost a fifth of the read.
const GET = nameStatement(
  'tasks.get',
  new QueryBuilder().select().from(tasksTable).where(IS_TASK).toSQL().sql,
);

/** The columns of several tasks, of which `readBodies` makes whole ones. */
const ROWS = [...SUMMARY_COLUMNS, selectBodies('1')].join(', ');

const GET_MANY = nameStatement(
  'tasks.get_many',
  `SELECT ${ROWS}
FROM tasks
WHERE (owner, id) IN (SELECT value ->> 'owner', value ->> 'id' FROM json_each(?1))`,
);

const FIND_BY_IDEMPOTENCY_KEYS = nameStatement(
  'tasks.find_by_idempotency_keys',
  `SELECT ${ROWS}
FROM tasks INDEXED BY tasks_idempotency
WHERE owner = ?1
  AND idempotency_key IN (SELECT value FROM json_each(?2))
  AND idempotency_key IS NOT NULL`,
);

const FIND_REUSABLE = nameStatement(
  'tasks.find_reusable',
  `SELECT ${ROWS}
FROM tasks
WHERE (owner, id) IN (
  SELECT ?1, (
    SELECT id
    FROM tasks INDEXED BY tasks_reusable
    WHERE owner = ?1
      AND reuse_key = k.value
      AND reuse_key IS NOT NULL
      AND status = 'COMPLETED'
      AND completed_at >= ?3
    ORDER BY completed_at DESC
    LIMIT 1
  )
  FROM json_each(?2) AS k
)`,
);

const COUNT_UNFINISHED = nameStatement(
  'tasks.count_unfinished',
  `SELECT count(*) AS n
FROM (
  SELECT 1
  FROM tasks INDEXED BY tasks_by_status
  WHERE owner = ?1
    AND status IN ${toSqlList(STATUSES.filter((status) => !isFinal(status)))}
    AND status <> 'COMPLETED'
  LIMIT ?2
)`,
);

/** The editable fields of a task; undefined leaves one, null clears it. */
export interface TaskEdit {
  title?: string | null | undefined;
  description?: string | null | undefined;
  priority?: Priority | undefined;
}

/**
 * A new priority means another queue of the same lane: a task that waits (a held one too) becomes
 * runnable there.
 */
const toPriority = (priority: Priority, now: number): Partial<Record<keyof Task, SQL | string>> => {
  const { priority: before, queue, status } = tasksTable;
  const isOther = sql`${before} <> ${priority}`;
  const newQueue = `substr(queue, 1, instr(queue, '-')) || '${priority.toLowerCase()}'`;
  const known = { now: String(now), scheduledAt: 'scheduled_at', timeoutMs: 'timeout_ms' };
  const moved = runnableSql({ ...known, queue: newQueue, priority: `'${priority}'` });
  const whenMoved = (value: string, column: SQLiteColumn): SQL =>
    sql`CASE WHEN ${isOther} AND ${status} = 'PENDING' THEN ${sql.raw(value)} ELSE ${column} END`;
  return {
    priority,
    queue: sql`CASE WHEN ${isOther} THEN ${sql.raw(newQueue)} ELSE ${queue} END`,
    held: whenMoved(moved.held, tasksTable.held),
    wake_at: whenMoved(moved.wakeAt, tasksTable.wake_at),
    turn: whenMoved(moved.turn, tasksTable.turn),
    slot: whenMoved('NULL', tasksTable.slot),
  };
};

/**
 * Reads, inserts, edits and deletions. Every function takes the owner: another owner's task does
 * not exist.
 */
export const createTaskStore = (d1: D1Database) => {
  const db = drizzle(d1);
  return {
    ...createDeletions(d1),
    ...createPrunes(d1),
    insertMany: insertTasks.bind(null, d1),
    findBirths: findBirths.bind(null, d1),

    get: (owner: string, id: string): Promise<Task | null> =>
      d1.prepare(GET).bind(owner, id).first<Task>(),

    /** Several tasks at once, in no order; those that do not exist are left out. */
    async getMany(keys: readonly TaskKey[]): Promise<Task[]> {
      const statement = d1.prepare(GET_MANY).bind(encodeKeys(keys));
      return readBodies(d1, (await statement.all<ShortRow>()).results);
    },

    /**
     * Changes words and priority; null when the task is not there, or would have to change its
     * queue although its status forbids that. A task that waits in a queue is to be sent to its new
     * one.
     */
    async edit(owner: string, id: string, change: TaskEdit, now: number): Promise<Task | null> {
      const { priority, ...words } = change;
      const isIt = and(eq(tasksTable.owner, owner), eq(tasksTable.id, id));
      const mayMove =
        priority === undefined
          ? undefined
          : or(
              eq(tasksTable.priority, priority),
              inArray(tasksTable.status, lifecycle.reprioritize.from as readonly Status[]),
            );
      const statement = db
        .update(tasksTable)
        .set({
          ...words,
          ...(priority !== undefined && toPriority(priority, now)),
          version: sql`${tasksTable.version} + 1`,
          updated_at: now,
        } as unknown as Partial<Task>)
        .where(and(isIt, mayMove));
      return (await statement.returning())[0] ?? null;
    },

    /** The tasks of an owner that were submitted under these idempotency keys, by key. */
    async findByIdempotencyKeys(
      owner: string,
      keys: readonly string[],
    ): Promise<Map<string, Task>> {
      const statement = d1.prepare(FIND_BY_IDEMPOTENCY_KEYS).bind(owner, JSON.stringify(keys));
      const found = await readBodies(d1, (await statement.all<ShortRow>()).results);
      return new Map(found.map((task) => [String(task.idempotency_key), task]));
    },

    /**
     * The newest output of each of these keys that is not older than `since` (ms), by key.
     * @param keys values of `reuse_key`
     */
    async findReusable(
      owner: string,
      keys: readonly string[],
      since: number,
    ): Promise<Map<string, Task>> {
      const statement = d1.prepare(FIND_REUSABLE).bind(owner, JSON.stringify(keys), since);
      const found = await readBodies(d1, (await statement.all<ShortRow>()).results);
      return new Map(found.map((task) => [String(task.reuse_key), task]));
    },

    /** How many tasks of an owner have not ended; stops counting at `most`. */
    countUnfinished: async (owner: string, most: number): Promise<number> =>
      (await d1.prepare(COUNT_UNFINISHED).bind(owner, most).first<number>('n')) ?? 0,

    /** The cheapest question that only a working database with its tables answers. */
    ping: async (): Promise<void> =>
      void (await db.select({ owner: tasksTable.owner }).from(tasksTable).limit(1)),
  };
};

export type TaskStore = ReturnType<typeof createTaskStore>;
