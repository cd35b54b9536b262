import { sql } from 'drizzle-orm';
import { check, index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import {
  DELIVERY_SINKS,
  DELIVERY_STATES,
  DELIVERY_SUBJECTS,
  FINAL_STATUSES,
} from '../domain/words.ts';

/**
 * Deliveries of final statuses to callbacks and failure sinks. The triggers at the end of the
 * migration write them in the very statement that ends a task, so no transition can forget one.
 * They go with their task, or their flow.
 */
export const deliveriesTable = sqliteTable(
  'deliveries',
  {
    owner: text().notNull(),
    /** The task or the flow that ended. */
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
    subject: text({ enum: [...DELIVERY_SUBJECTS] })
      .notNull()
      .default('task'),
  },
  (t) => [
    primaryKey({ columns: [t.owner, t.task_id, t.version, t.sink] }),
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
