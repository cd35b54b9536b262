import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/**
 * On which shard an owner's rows are, in the first database alone. One without a row is on the first.
 */
export const ownerShardsTable = sqliteTable('owner_shards', {
  owner: text().primaryKey(),
  shard: integer().notNull(),
  /** Where its rows are being moved; null: they stay. */
  moving_to: integer(),
  /** Since when (ms). */
  moving_since: integer(),
  /** How far the move is, see engine/mover.ts. */
  step: text(),
});
