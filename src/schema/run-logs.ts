import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/**
 * What runs wrote down: a row for each time that lines were stored, and none for a run that wrote
 * none. Deleted with the task by a trigger. Its bytes count towards what its owner may store: by
 * chance, a megabyte for one row of as many as make a megabyte.
 */
export const runLogsTable = sqliteTable(
  'run_logs',
  {
    owner: text().notNull(),
    task_id: text().notNull(),
    attempt: integer().notNull(),
    /** The place of its first line in the log of the attempt. */
    first: integer().notNull(),
    count: integer().notNull(),
    /** Lines after these that were not kept: the log was full. */
    cut: integer().notNull().default(0),
    /** JSON list of `LogLine`. */
    lines: text().notNull(),
  },
  (t) => [primaryKey({ columns: [t.owner, t.task_id, t.attempt, t.first] })],
);
