import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** What is known of an owner beside its tasks; one without a row has zeros. */
export const ownersTable = sqliteTable('owners', {
  owner: text().primaryKey(),
  /**
   * Bytes of its tasks, about: triggers count each that is larger than 4 KB, and of the smaller
   * ones one of 4096, 4096 times. So a small task costs no further row.
   */
  task_bytes: integer().notNull().default(0),
  file_bytes: integer().notNull().default(0),
  /** How often its webhook secret was rotated, and when last. */
  webhook_version: integer().notNull().default(0),
  webhook_rotated_at: integer(),
  /** Bytes of large parameters and results of its tasks, which lie outside of the rows; exact. */
  body_bytes: integer().notNull().default(0),
});
