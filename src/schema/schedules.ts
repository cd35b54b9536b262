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
import { CATCH_UPS, OVERLAPS } from '../domain/words.ts';
import { toSqlLiterals } from './sql-list.ts';

/**
 * What is submitted by itself, and when. A moment at which a schedule fires is the key of its task,
 * and a trigger notes in the insert of the task that it has had one, so `next_at` may be handled
 * twice and no task is made twice, also of one that was deleted since. Times are ms.
 */
export const schedulesTable = sqliteTable(
  'schedules',
  {
    owner: text().notNull(),
    /** UUIDv7. Its tasks have it as `parent_id`. */
    id: text().notNull(),
    name: text().notNull(),
    /** A pattern, or null: then `every_ms` says how often. */
    cron: text(),
    timezone: text().notNull(),
    every_ms: integer(),
    overlap: text({ enum: [...OVERLAPS] }).notNull(),
    catch_up: text({ enum: [...CATCH_UPS] }).notNull(),
    catch_up_window_ms: integer().notNull(),
    /** The first moment that was not handled yet; null: it is paused, or never fires again. */
    next_at: integer(),
    /** A moment that waits for the end of the task before it. */
    queued_at: integer(),
    /** When the clock must look at it: at `next_at`, later after a failure that passes. */
    wake_at: integer(),
    /** The newest moment that has had a task, or was left out. */
    last_at: integer(),
    paused_at: integer(),
    /** Moments that made a task, … */
    fired: integer().notNull().default(0),
    /** … made none because of `overlap`, … */
    skipped: integer().notNull().default(0),
    /** … or were refused. */
    refused: integer().notNull().default(0),
    last_skipped_at: integer(),
    /** The moments that were missed last: from this one … */
    missed_from: integer(),
    /** … up to this one, which was not. */
    missed_until: integer(),
    /** Grows by one at every change by a person. */
    version: integer().notNull().default(1),
    created_at: integer().notNull(),
    updated_at: integer().notNull(),
    created_by_key: text(),
    /** JSON `{ code, message, at, scheduled_for }`: why the last moment was refused; null once one is not. */
    last_error: text(),
    /** JSON: the body of a submit. */
    task: text().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.owner, t.id] }),
    uniqueIndex('schedules_by_name').on(t.owner, t.name),
    // The sweep, by a seek however many there are.
    index('schedules_due')
      .on(t.wake_at)
      .where(sql`wake_at IS NOT NULL`),
    check('overlap_known', sql`overlap IN (${toSqlLiterals(OVERLAPS)})`),
    check('catch_up_known', sql`catch_up IN (${toSqlLiterals(CATCH_UPS)})`),
    check('one_recurrence', sql`(cron IS NULL) <> (every_ms IS NULL)`),
    check(
      'paused_waits_for_nothing',
      sql`paused_at IS NULL OR (next_at IS NULL AND queued_at IS NULL)`,
    ),
    check('next_is_watched', sql`(next_at IS NULL) = (wake_at IS NULL)`),
  ],
);
