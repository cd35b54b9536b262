import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** Groups of errors that an owner does not want to see until they happen again. */
export const mutedErrorsTable = sqliteTable(
  'muted_errors',
  {
    owner: text().notNull(),
    /** Of type, code and message, see domain/error-fingerprint.ts. */
    fingerprint: text().notNull(),
    muted_at: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.owner, t.fingerprint] })],
);
