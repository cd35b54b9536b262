import { sql } from 'drizzle-orm';
import {
  check,
  index,
  integer,
  primaryKey,
  real,
  sqliteTable,
  text,
} from 'drizzle-orm/sqlite-core';

/** How many tasks run at once under a key of its owner, and how fast they begin. Times are ms. */
export const limitsTable = sqliteTable(
  'limits',
  {
    owner: text().notNull(),
    key: text().notNull(),
    /** Null: any number. */
    max_running: integer(),
    /** `rate_count` begin in `rate_ms`, and `rate_burst` may begin together; null: as fast as may be. */
    rate_count: integer(),
    rate_ms: integer(),
    rate_burst: integer(),
    /** The same for each sub-key. */
    sub_max_running: integer(),
    sub_rate_count: integer(),
    sub_rate_ms: integer(),
    sub_rate_burst: integer(),
    /** 1: it holds for all tasks of the type that has its name; a submit cannot say so. */
    for_type: integer().notNull().default(0),
    paused_until: integer(),
    /** What is left of the rate, a token for each task, as it was at `tokens_at`. */
    tokens: real(),
    tokens_at: integer(),
    /** The sub-key whose turn was last. */
    cursor: text().notNull().default(''),
    /** What the last admission picked: JSON list of `[id, sub_key]`. */
    picked: text(),
    /** When the clock must look at it: tasks wait for the rate, or for the end of a pause. */
    wake_at: integer(),
    created_at: integer().notNull(),
    updated_at: integer().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.owner, t.key] }),
    index('limits_due')
      .on(t.wake_at)
      .where(sql`wake_at IS NOT NULL`),
    check('rate_whole', sql`(rate_count IS NULL) = (rate_ms IS NULL)`),
    check('sub_rate_whole', sql`(sub_rate_count IS NULL) = (sub_rate_ms IS NULL)`),
  ],
);

/** What is left of the rate of a sub-key; only of limits that have one. */
export const limitSubsTable = sqliteTable(
  'limit_subs',
  {
    owner: text().notNull(),
    key: text().notNull(),
    sub_key: text().notNull(),
    tokens: real().notNull(),
    tokens_at: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.owner, t.key, t.sub_key] })],
);

/** Which task has a unique key: the others that name it are not accepted. */
export const uniqueKeysTable = sqliteTable(
  'unique_keys',
  {
    owner: text().notNull(),
    key: text().notNull(),
    task_id: text().notNull(),
    /** Until then (ms); null: until the task has ended. */
    until: integer(),
  },
  (t) => [primaryKey({ columns: [t.owner, t.key] })],
);
