import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** Who did what to keys, queues and owners, and from where. Rows are only ever added. */
export const auditTable = sqliteTable(
  'audit',
  {
    /** UUIDv7. */
    id: text().primaryKey(),
    at: integer().notNull(),
    /** Whose it is: the owner that was acted on. */
    owner: text().notNull(),
    /** The key of the caller; null: this machine, or its command line. */
    key_id: text(),
    /** A word of `AUDIT_ACTIONS`. */
    action: text().notNull(),
    /** What was acted on: a key's id, a queue's name. */
    subject: text(),
    /** The caller's address; null where it is not known. */
    ip: text(),
    request_id: text(),
  },
  (t) => [index('audit_by_owner').on(t.owner, t.id)],
);
