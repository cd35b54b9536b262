import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** Types that owners registered: their tasks are run by code of the owner's, or ended by people. */
export const taskTypesTable = sqliteTable(
  'task_types',
  {
    owner: text().notNull(),
    name: text().notNull(),
    /** JSON, see domain/registered-type.ts. */
    definition: text().notNull(),
    /** ms; no run begins before. */
    paused_until: integer(),
    /** How often the secret was rotated that its requests are signed with, and when last. */
    secret_version: integer().notNull().default(0),
    secret_rotated_at: integer(),
    created_at: integer().notNull(),
    updated_at: integer().notNull(),
    created_by_key: text(),
  },
  (t) => [primaryKey({ columns: [t.owner, t.name] })],
);
