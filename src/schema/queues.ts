import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** Only paused queues have a row. */
export const queuesTable = sqliteTable('queues', {
  name: text().primaryKey(),
  paused_at: integer().notNull(),
  /** The name of the key by which it was paused; null: without one. */
  paused_by: text(),
});
