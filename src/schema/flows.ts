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
import { FINAL_STATUSES, FLOW_STATUSES, ON_FAILURE } from '../domain/words.ts';
import { toSqlLiterals } from './sql-list.ts';

/**
 * Flows: tasks that wait for tasks. Its nodes are ordinary tasks with its id. Triggers keep `open` and
 * `status` in the very statements that end, retry and add tasks. Times are ms.
 */
export const flowsTable = sqliteTable(
  'flows',
  {
    owner: text().notNull(),
    /** UUIDv7. */
    id: text().notNull(),
    name: text(),
    status: text({ enum: [...FLOW_STATUSES] }).notNull(),
    on_failure: text({ enum: [...ON_FAILURE] }).notNull(),
    /** Tasks that have not ended, and all of them: nodes, and what a list node made of its items. */
    open: integer().notNull(),
    tasks: integer().notNull(),
    /** Grows with each end of a task, and with each change of the status. */
    version: integer().notNull().default(1),
    submitted_at: integer().notNull(),
    started_at: integer(),
    completed_at: integer(),
    /** When it was cancelled as a whole, unless it was retried since. */
    cancelled_at: integer(),
    /** Since when it is being deleted, its tasks first: it is not there any more. */
    deleted_at: integer(),
    updated_at: integer().notNull(),
    callback_url: text(),
    idempotency_key: text(),
    fingerprint: text(),
    request_id: text(),
    created_by_key: text(),
  },
  (t) => [
    primaryKey({ columns: [t.owner, t.id] }),
    index('flows_by_status').on(t.owner, t.status, t.id),
    uniqueIndex('flows_idempotency')
      .on(t.owner, t.idempotency_key)
      .where(sql`idempotency_key IS NOT NULL`),
    // What is old, and what is being deleted.
    index('flows_ended')
      .on(t.completed_at)
      .where(sql`completed_at IS NOT NULL`),
    index('flows_deleted')
      .on(t.deleted_at)
      .where(sql`deleted_at IS NOT NULL`),
    check('flow_status_known', sql`status IN (${toSqlLiterals(FLOW_STATUSES)})`),
    check('on_failure_known', sql`on_failure IN (${toSqlLiterals(ON_FAILURE)})`),
    check(
      'completed_at_in_final',
      sql`(completed_at IS NOT NULL) = (status IN (${toSqlLiterals(FINAL_STATUSES)}))`,
    ),
    check('final_has_nothing_open', sql`completed_at IS NULL OR open = 0`),
    check('open_of_tasks', sql`open BETWEEN 0 AND tasks`),
  ],
);

/** That one node of a flow waits for another one; both are ids of tasks. They go with their tasks. */
export const flowEdgesTable = sqliteTable(
  'flow_edges',
  {
    owner: text().notNull(),
    before: text().notNull(),
    follower: text().notNull(),
  },
  (t) => [primaryKey({ columns: [t.owner, t.before, t.follower] })],
);
