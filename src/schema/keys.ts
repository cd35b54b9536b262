import { integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';

/** API keys. A key is found by its hash; the table is small. */
export const keysTable = sqliteTable(
  'keys',
  {
    /** UUIDv7. */
    id: text().primaryKey(),
    /** The tenant that the key speaks for. */
    owner: text().notNull(),
    name: text().notNull(),
    /** SHA-256 of the key, hexadecimal. */
    hash: text().notNull(),
    /** The first characters of the key, to tell keys apart. */
    prefix: text().notNull(),
    /** JSON list of `Scope`. */
    scopes: text().notNull(),
    created_at: integer().notNull(),
    expires_at: integer(),
    revoked_at: integer(),
    /** When it was used last, to within a minute; null: never. */
    last_used_at: integer(),
    /** JSON list of the task types that it may run; null: any. */
    task_types: text(),
    /** Writes a minute, fewer than everybody may make; null: as many. */
    writes_per_minute: integer(),
  },
  (t) => [uniqueIndex('keys_hash').on(t.hash)],
);
