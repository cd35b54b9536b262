import { primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/**
 * Which tasks have a value in their parameters by which people look for them. Triggers write it
 * with the task and delete it with the task: a row each for a value, and none for most tasks.
 */
export const searchIndexTable = sqliteTable(
  'search_index',
  {
    owner: text().notNull(),
    /** See domain/identifiers.ts. */
    value: text().notNull(),
    task_id: text().notNull(),
  },
  (t) => [primaryKey({ columns: [t.owner, t.value, t.task_id] })],
);
