import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** How deliveries to a host, or of an owner, go: a breaker and a budget for each. */
export const deliveryGatesTable = sqliteTable('delivery_gates', {
  /** `host:<name>`, `owner:<name>`, or `mail`. */
  name: text().primaryKey(),
  /** Tries in a row that failed. */
  failures: integer().notNull().default(0),
  /** Nothing goes out before; ms. */
  closed_until: integer().notNull().default(0),
  /** The minute that `sent` counts, since 1970. */
  minute: integer().notNull().default(0),
  sent: integer().notNull().default(0),
  /** How many may go out in a minute: it grows while they succeed. */
  allowance: integer().notNull(),
});
