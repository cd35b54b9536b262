import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** Steps that have resolved, which no later attempt runs again. Deleted with the task by a trigger. */
export const runStepsTable = sqliteTable(
  'run_steps',
  {
    owner: text().notNull(),
    task_id: text().notNull(),
    name: text().notNull(),
    /** The attempt in which it resolved. */
    attempt: integer().notNull(),
    /** JSON: what it resolved to. */
    result: text().notNull(),
  },
  (t) => [primaryKey({ columns: [t.owner, t.task_id, t.name] })],
);
