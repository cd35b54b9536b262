import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** People who signed in with a key: a browser has a random id, and this table its hash. */
export const sessionsTable = sqliteTable(
  'sessions',
  {
    hash: text().primaryKey(),
    key_id: text().notNull(),
    created_at: integer().notNull(),
    expires_at: integer().notNull(),
  },
  (t) => [index('sessions_by_end').on(t.expires_at)],
);
