import { sql } from 'drizzle-orm';
import {
  check,
  index,
  integer,
  primaryKey,
  sqliteTable,
  text,
  uniqueIndex,
} from 'drizzle-orm/sqlite-core';
import {
  FINAL_STATUSES,
  HELD_REASONS,
  MAX_RESCUES,
  PRIORITIES,
  STATUSES,
} from '../domain/words.ts';
import { toSqlLiterals } from './sql-list.ts';

// The tables, and the one list of their columns: the store queries with it, and types of rows and
// migrations come from it. Times are integer milliseconds, JSON is text. STRICT and WITHOUT ROWID, which
// drizzle-kit cannot say, are added to migrations by hand; clustering by (owner, id) saves the row that
// a separate primary key costs.

/**
 * Rows written by a plain successful task: insert 4 (row, due, by_status, by_type), claim 2 (row,
 * by_status), complete 1 (row: leaving a partial index is free) = 7. A statement that names a column
 * of an index writes its index row anew, even if the value stays: the claim names none of `tasks_due`.
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
    /** Why nobody need run it: see store/runnable.ts. Null: it is in its queue, or just left it. */
    held: text({ enum: [...HELD_REASONS] }),
    /**
     * When the clock must look at this task again if nothing else happened; the end of the lease
     * while it is held by one.
     */
    wake_at: integer(),
    submitted_at: integer().notNull(),
    scheduled_at: integer(),
    started_at: integer(),
    completed_at: integer(),
    updated_at: integer().notNull(),
    /** Not begun by then, it is cancelled. */
    expires_at: integer(),
    /** The other name under which it was submitted, if it was: older clients get it back. */
    alias: text(),
    request_id: text(),
    /** The task whose output this one was answered with, without being run. */
    reused_from: text(),
    /** Hash of type and parameters, for types whose outputs may be used again. */
    reuse_key: text(),
    callback_url: text(),
    idempotency_key: text(),
    /** Hash of the submitted body, to tell a replay from a reused key. */
    fingerprint: text(),
    /** JSON list of the sinks that its last failure is delivered to; null while it has none. */
    failure_sinks: text(),
    /** The limit that it runs under, see schema/limits.ts; null for most tasks. */
    limit_key: text(),
    /** Within the limit, such as a tenant; '' for none. */
    sub_key: text().notNull().default(''),
    /** While the limit holds it: a digit of its priority, and its id. */
    turn: text(),
    /** When the limit admitted it (ms), until its attempt ends. */
    slot: integer(),
    parent_id: text(),
    /** The flow whose node it is, see schema/flows.ts; null for most tasks. */
    flow_id: text(),
    node: text(),
    /** The tasks that it waits for, or how its parameters are filled in: see domain/flow.ts. */
    blocked_by: integer(),
    /** How often in a row it asked to be run later. */
    snoozes: integer().notNull().default(0),
    /** Why it ended without a run, where the history does not tell. */
    end_reason: text({ enum: ['expired', 'upstream_failed'] }),
    created_by_key: text(),
    traceparent: text(),
    /** JSON `{ fraction, note }`. */
    progress: text(),
    /** JSON list of strings. */
    tags: text().notNull().default('[]'),
    title: text(),
    // The long ones come last: SQLite reads a row from its beginning, and these may spill over many
    // pages.
    description: text(),
    /** JSON list of `Attempt`, oldest first, the newest 100. */
    attempts: text().notNull().default('[]'),
    /** JSON. */
    checkpoint: text(),
    /** JSON. */
    params: text().notNull(),
    /** JSON, set in COMPLETED alone. */
    result: text(),
    /** JSON list of the values in `search_index`; null for most tasks, which have none. */
    identifiers: text(),
    /** The task that this one ran again, perhaps with other parameters. */
    rerun_of: text(),
    /** What no other task may have at the same time, see schema/limits.ts; null for most tasks. */
    unique_key: text(),
    /** How long it is kept from others after the submit (ms); null: until the task has ended. */
    unique_ms: integer(),
    /** The parameters of a node as they were submitted, where they name values of others. */
    template: text(),
    /** Its place among the tasks that a list node made, from 0. */
    item: integer(),
    /** Of a list node: where its list comes from, as `$from` has it. */
    for_each: text(),
    /** Of a list node: the tasks that it made, once it has made all of them. */
    items: integer(),
    /** How long it waits, once nothing before it keeps it (ms). */
    delay_ms: integer(),
  },
  (t) => [
    primaryKey({ columns: [t.owner, t.id] }),
    // The sweep: what is due, by what holds it and by queue; and what is parked without a moment.
    index('tasks_due')
      .on(t.held, t.queue, t.wake_at)
      .where(sql`wake_at IS NOT NULL OR held = 'queue'`),
    // What an owner's workers take, in its order.
    index('tasks_for_workers')
      .on(t.owner, t.type, t.priority, t.id)
      .where(sql`held = 'worker'`),
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
    // The tasks that ran one again; costs nothing to others.
    index('tasks_reruns')
      .on(t.owner, t.rerun_of)
      .where(sql`rerun_of IS NOT NULL`),
    // What a task submitted while it ran; costs nothing to others.
    index('tasks_children')
      .on(t.owner, t.parent_id, t.id)
      .where(sql`parent_id IS NOT NULL`),
    // What a limit holds, in its order, by sub-key; …
    index('tasks_held')
      .on(t.owner, t.limit_key, t.sub_key, t.turn)
      .where(sql`turn IS NOT NULL`),
    // … and what it admitted. Both cost nothing to tasks without a limit.
    index('tasks_slots')
      .on(t.owner, t.limit_key, t.sub_key, t.slot)
      .where(sql`slot IS NOT NULL`),
    // What is cancelled unless it begins; costs nothing to others.
    index('tasks_expiring')
      .on(t.expires_at)
      .where(sql`expires_at IS NOT NULL AND attempt = 0 AND completed_at IS NULL`),
    // The tasks of a flow, each place once; costs nothing to others.
    uniqueIndex('tasks_by_flow')
      .on(t.owner, t.flow_id, t.node, t.item)
      .where(sql`flow_id IS NOT NULL`),
    // The newest output of the same type and parameters, for the types that may be answered with
    // it.
    index('tasks_reusable')
      .on(t.owner, t.reuse_key, t.completed_at)
      .where(sql`reuse_key IS NOT NULL AND status = 'COMPLETED'`),
    check('status_known', sql`status IN (${toSqlLiterals(STATUSES)})`),
    check(
      'completed_at_in_final',
      sql`(completed_at IS NOT NULL) = (status IN (${toSqlLiterals(FINAL_STATUSES)}))`,
    ),
    check('lease_in_progress', sql`status <> 'IN_PROGRESS' OR wake_at IS NOT NULL`),
    check(
      'nothing_owed',
      sql`status NOT IN (${toSqlLiterals([...FINAL_STATUSES, 'PAUSED'])}) OR wake_at IS NULL`,
    ),
    check('held_known', sql`held IS NULL OR held IN (${toSqlLiterals(HELD_REASONS)})`),
    check('result_in_completed', sql`(result IS NOT NULL) = (status = 'COMPLETED')`),
    check('attempts_bounded', sql`attempt <= max_attempts + rescues`),
    check('rescues_bounded', sql`rescues BETWEEN 0 AND ${sql.raw(String(MAX_RESCUES))}`),
  ],
);
