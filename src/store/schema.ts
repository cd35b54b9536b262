import { sql } from 'drizzle-orm';
import {
  check,
  foreignKey,
  index,
  integer,
  primaryKey,
  sqliteTable,
  text,
  uniqueIndex,
} from 'drizzle-orm/sqlite-core';
import { MAX_RESCUES } from '../domain/lifecycle.ts';
import type { ApiKey } from '../domain/api-key.ts';
import { DELIVERY_STATES, SINKS, type Delivery } from '../domain/delivery.ts';
import { FINAL_STATUSES, PRIORITIES, STATUSES, type Task } from '../domain/task.ts';

// The tables as `npm run migrate:generate` reads them. Nothing here runs in the Worker: the store speaks plain SQL, and
// takes its types from domain/task.ts. Times are integer milliseconds, JSON is text.
//
// drizzle-kit cannot say STRICT or WITHOUT ROWID: both are added to the generated migration by hand, and a test holds
// the migrated table against this file. Clustering by (owner, id) saves the row that a separate primary key costs.

const list = (words: readonly string[]) => sql.raw(words.map((word) => `'${word}'`).join(', '));

/**
 * Rows written by a plain successful task: insert 4 (row, due, by_status, by_type), claim 3 (row, due, by_status),
 * complete 1 (row: leaving a partial index is free) = 8.
 */
export const tasks = sqliteTable(
  'tasks',
  {
    owner: text().notNull(),
    id: text().notNull(),
    status: text({ enum: [...STATUSES] }).notNull(),
    queue: text().notNull(),
    type: text().notNull(),
    priority: text({ enum: [...PRIORITIES] }).notNull(),
    attempt: integer().notNull().default(0),
    max_attempts: integer().notNull(),
    attempt_budget: integer().notNull(),
    rescues: integer().notNull().default(0),
    version: integer().notNull().default(1),
    timeout_ms: integer().notNull(),
    wake_at: integer(),
    submitted_at: integer().notNull(),
    scheduled_at: integer(),
    started_at: integer(),
    completed_at: integer(),
    updated_at: integer().notNull(),
    alias: text(),
    request_id: text(),
    reused_from: text(),
    callback_url: text(),
    idempotency_key: text(),
    fingerprint: text(),
    progress: text(),
    tags: text().notNull().default('[]'),
    title: text(),
    // The long ones come last: SQLite reads a row from its beginning, and these may spill over many pages.
    description: text(),
    params: text().notNull(),
    attempts: text().notNull().default('[]'),
    result: text(),
    failure_sinks: text(),
    reuse_key: text(),
  },
  (t) => [
    primaryKey({ columns: [t.owner, t.id] }),
    // The sweep: due rows by status, oldest first, and how many of a queue are waiting, without touching the rows.
    index('tasks_due')
      .on(t.status, t.wake_at, t.queue)
      .where(sql`wake_at IS NOT NULL`),
    // What was parked because its queue is paused. A task that waits in no paused queue is never in it.
    index('tasks_parked')
      .on(t.queue, t.id)
      .where(sql`status = 'PENDING' AND wake_at IS NULL`),
    // The list filtered by any status but the usual last one, whose rows the primary key finds at once.
    index('tasks_by_status')
      .on(t.owner, t.status, t.id)
      .where(sql`status <> 'COMPLETED'`),
    // The list filtered by type.
    index('tasks_by_type').on(t.owner, t.type, t.id),
    // One task for one Idempotency-Key; costs nothing without one.
    uniqueIndex('tasks_idempotency')
      .on(t.owner, t.idempotency_key)
      .where(sql`idempotency_key IS NOT NULL`),
    // The newest output of the same type and parameters, for the types that may be answered with it.
    index('tasks_reusable')
      .on(t.owner, t.reuse_key, t.completed_at)
      .where(sql`reuse_key IS NOT NULL AND status = 'COMPLETED'`),
    check('status_known', sql`status IN (${list(STATUSES)})`),
    check(
      'completed_at_in_final',
      sql`(completed_at IS NOT NULL) = (status IN (${list(FINAL_STATUSES)}))`,
    ),
    check('lease_in_progress', sql`status <> 'IN_PROGRESS' OR wake_at IS NOT NULL`),
    check(
      'nothing_owed',
      sql`status NOT IN (${list([...FINAL_STATUSES, 'PAUSED'])}) OR wake_at IS NULL`,
    ),
    check('result_in_completed', sql`(result IS NOT NULL) = (status = 'COMPLETED')`),
    check('attempts_bounded', sql`attempt <= max_attempts + rescues`),
    check('rescues_bounded', sql`rescues BETWEEN 0 AND ${sql.raw(String(MAX_RESCUES))}`),
  ],
);

/** Only queues that somebody paused have a row. */
export const queues = sqliteTable('queues', {
  name: text().primaryKey(),
  paused_at: integer().notNull(),
});

/**
 * Notifications owed. The triggers at the end of the migration write them in the very statement that ends a task, so no
 * transition can forget one. They go when their task is deleted.
 */
export const deliveries = sqliteTable(
  'deliveries',
  {
    owner: text().notNull(),
    task_id: text().notNull(),
    version: integer().notNull(),
    sink: text({ enum: [...SINKS] }).notNull(),
    status: text({ enum: [...FINAL_STATUSES] }).notNull(),
    attempt: integer().notNull(),
    state: text({ enum: [...DELIVERY_STATES] }).notNull(),
    tries: integer().notNull().default(0),
    owed_at: integer().notNull(),
    due_at: integer().notNull(),
    wake_at: integer(),
    ended_at: integer(),
    last_error: text(),
  },
  (t) => [
    primaryKey({ columns: [t.owner, t.task_id, t.version, t.sink] }),
    foreignKey({ columns: [t.owner, t.task_id], foreignColumns: [tasks.owner, tasks.id] }).onDelete(
      'cascade',
    ),
    // The sweep: open deliveries that nobody has looked at in time.
    index('deliveries_due')
      .on(t.wake_at)
      .where(sql`wake_at IS NOT NULL`),
    check(
      'open_is_watched',
      sql`(state = 'OPEN') = (wake_at IS NOT NULL) AND (state = 'OPEN') = (ended_at IS NULL)`,
    ),
  ],
);

/** Who may come in. A key is found by its hash; the table is small. */
export const keys = sqliteTable(
  'keys',
  {
    id: text().primaryKey(),
    owner: text().notNull(),
    name: text().notNull(),
    hash: text().notNull(),
    prefix: text().notNull(),
    scopes: text().notNull(),
    created_at: integer().notNull(),
    expires_at: integer(),
    revoked_at: integer(),
  },
  (t) => [uniqueIndex('keys_hash').on(t.hash)],
);

/** Fails to compile when the table and the word `Task` drift apart. */
export const rowIsTask = (row: typeof tasks.$inferSelect): Task => row;
export const taskIsRow = (task: Task): typeof tasks.$inferSelect => task;
export const rowIsDelivery = (row: typeof deliveries.$inferSelect): Delivery => row;
export const rowIsKey = (row: typeof keys.$inferSelect): ApiKey => row;
