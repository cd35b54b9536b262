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
import {
  DELIVERY_SINKS,
  DELIVERY_STATES,
  FINAL_STATUSES,
  MAX_RESCUES,
  PRIORITIES,
  STATUSES,
} from './domain/words.ts';

// The tables, and the one list of their columns: `npm run migrate:generate` reads it, the store
// queries with it, and the types of rows are inferred from it. Times are integer milliseconds, JSON
// is text.
//
// drizzle-kit cannot say STRICT or WITHOUT ROWID: both are added to the generated migration by
// hand, and a test holds the migrated tables against this file. Clustering by (owner, id) saves the
// row that a separate primary key costs.

const list = (words: readonly string[]) => sql.raw(words.map((word) => `'${word}'`).join(', '));

/**
 * Rows written by a plain successful task: insert 4 (row, due, by_status, by_type), claim 3 (row,
 * due, by_status), complete 1 (row: leaving a partial index is free) = 8.
 */
export const tasksTable = sqliteTable(
  'tasks',
  {
    owner: text().notNull(),
    /** UUIDv7, so that ids sort by the time of submission. */
    id: text().notNull(),
    status: text({ enum: [...STATUSES] }).notNull(),
    /** `<lane>-<priority>`, see domain/routing.ts. */
    queue: text().notNull(),
    type: text().notNull(),
    priority: text({ enum: [...PRIORITIES] }).notNull(),
    /** How many times the task has been claimed. It only ever grows: it is also the fence. */
    attempt: integer().notNull().default(0),
    max_attempts: integer().notNull(),
    /** The attempts that the task was submitted with; a retry grants as many again. */
    attempt_budget: integer().notNull(),
    /** Claims whose lease ran out; they do not use up an attempt. */
    rescues: integer().notNull().default(0),
    /** Grows by one at every change that a client can see. */
    version: integer().notNull().default(1),
    timeout_ms: integer().notNull(),
    /**
     * When the clock must look at this task again if nothing else happened; the lease while
     * IN_PROGRESS.
     */
    wake_at: integer(),
    submitted_at: integer().notNull(),
    scheduled_at: integer(),
    started_at: integer(),
    completed_at: integer(),
    updated_at: integer().notNull(),
    /** The other name under which it was submitted, if it was: older clients get it back. */
    alias: text(),
    request_id: text(),
    /** The task whose output this one was answered with, without being run. */
    reused_from: text(),
    callback_url: text(),
    idempotency_key: text(),
    /** Hash of the submitted body, to tell a replay from a reused key. */
    fingerprint: text(),
    /** JSON `{ fraction, note }`. */
    progress: text(),
    /** JSON list of strings. */
    tags: text().notNull().default('[]'),
    title: text(),
    // The long ones come last: SQLite reads a row from its beginning, and these may spill over many
    // pages.
    description: text(),
    /** JSON. */
    params: text().notNull(),
    /** JSON list of `Attempt`, oldest first, the newest 100. */
    attempts: text().notNull().default('[]'),
    /** JSON, set in COMPLETED alone. */
    result: text(),
    /** JSON list of the sinks that its last failure is delivered to; null while it has none. */
    failure_sinks: text(),
    /** Hash of type and parameters, for types whose outputs may be used again. */
    reuse_key: text(),
  },
  (t) => [
    primaryKey({ columns: [t.owner, t.id] }),
    // The sweep: due rows by status, oldest first, and how many of a queue are waiting, without
    // touching the rows.
    index('tasks_due')
      .on(t.status, t.wake_at, t.queue)
      .where(sql`wake_at IS NOT NULL`),
    // Tasks parked because their queue is paused. A task that waits in an open queue is never in
    // it.
    index('tasks_parked')
      .on(t.queue, t.id)
      .where(sql`status = 'PENDING' AND wake_at IS NULL`),
    // The list filtered by any status but the usual last one, whose rows the primary key finds at
    // once.
    index('tasks_by_status')
      .on(t.owner, t.status, t.id)
      .where(sql`status <> 'COMPLETED'`),
    // The list filtered by type.
    index('tasks_by_type').on(t.owner, t.type, t.id),
    // One task for one Idempotency-Key; costs nothing without one.
    uniqueIndex('tasks_idempotency')
      .on(t.owner, t.idempotency_key)
      .where(sql`idempotency_key IS NOT NULL`),
    // The newest output of the same type and parameters, for the types that may be answered with
    // it.
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

/** Only paused queues have a row. */
export const queuesTable = sqliteTable('queues', {
  name: text().primaryKey(),
  paused_at: integer().notNull(),
});

/**
 * Deliveries of final statuses to callbacks and failure sinks. The triggers at the end of the
 * migration write them in the very statement that ends a task, so no transition can forget one.
 * They go when their task is deleted.
 */
export const deliveriesTable = sqliteTable(
  'deliveries',
  {
    owner: text().notNull(),
    task_id: text().notNull(),
    version: integer().notNull(),
    sink: text({ enum: [...DELIVERY_SINKS] }).notNull(),
    /**
     * The status that is delivered, and the attempt that led to it: the task may have been run
     * again since.
     */
    status: text({ enum: [...FINAL_STATUSES] }).notNull(),
    attempt: integer().notNull(),
    state: text({ enum: [...DELIVERY_STATES] }).notNull(),
    /** How many times it has been tried: also the fence of a try. */
    tries: integer().notNull().default(0),
    /** When the task ended. */
    owed_at: integer().notNull(),
    /** Not to be tried before. */
    due_at: integer().notNull(),
    /** When the clock must look at it again if nothing else happened; null once it has ended. */
    wake_at: integer(),
    ended_at: integer(),
    last_error: text(),
  },
  (t) => [
    primaryKey({ columns: [t.owner, t.task_id, t.version, t.sink] }),
    foreignKey({
      columns: [t.owner, t.task_id],
      foreignColumns: [tasksTable.owner, tasksTable.id],
    }).onDelete('cascade'),
    // The sweep: open deliveries that no try has claimed in time.
    index('deliveries_due')
      .on(t.wake_at)
      .where(sql`wake_at IS NOT NULL`),
    check(
      'open_is_watched',
      sql`(state = 'OPEN') = (wake_at IS NOT NULL) AND (state = 'OPEN') = (ended_at IS NULL)`,
    ),
  ],
);

/** API keys. A key is found by its hash; the table is small. */
export const keysTable = sqliteTable(
  'keys',
  {
    /** UUIDv7. */
    id: text().primaryKey(),
    /** The tenant that the key speaks for. */
    owner: text().notNull(),
    name: text().notNull(),
    /** SHA-256 of the key, hexadecimal. */
    hash: text().notNull(),
    /** The first characters of the key, to tell keys apart. */
    prefix: text().notNull(),
    /** JSON list of `Scope`. */
    scopes: text().notNull(),
    created_at: integer().notNull(),
    expires_at: integer(),
    revoked_at: integer(),
  },
  (t) => [uniqueIndex('keys_hash').on(t.hash)],
);
