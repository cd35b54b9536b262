import { eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { QueueWait } from '../domain/waiting.ts';
import { QUEUES, type QueueName } from '../domain/routing.ts';
import { queuesTable } from '../schema/queues.ts';
import { ALL_OWNERS } from './counts.ts';
import { nameStatement } from './statements.ts';

/** Counting stops here: it reads every row. */
const MAX_COUNTED = 10_000;

/** Of the tasks that wait, so many that were submitted first are looked at: some wait for a time. */
const MAX_OLDEST = 100;

const countSql = (condition: string, most: number): string =>
  `(SELECT count(*) FROM (
    SELECT 1 FROM tasks INDEXED BY tasks_due WHERE ${condition} LIMIT ${most}
  ))`;

const TOLD = 'held IS NULL AND queue = j.value AND wake_at IS NOT NULL';
const PARKED = `held = 'queue' AND queue = j.value`;
const DUE_AT = 'max(submitted_at, coalesce(scheduled_at, 0))';

/** When the oldest of some rows that wait is due; only the first are looked at. */
const oldestSql = (rows: string): string => `(
    SELECT min(${DUE_AT})
    FROM (
      SELECT submitted_at, scheduled_at
      FROM ${rows}
      LIMIT ${MAX_OLDEST}
    )
    WHERE ${DUE_AT} <= ?2
  )`;
// By the time of their messages; what runs is passed over.
const OLDEST_TOLD = oldestSql(`tasks INDEXED BY tasks_due
      WHERE ${TOLD} AND status = 'PENDING'
      ORDER BY wake_at`);
// Ids sort by time, and every index has them.
const OLDEST_PARKED = oldestSql(`(
        SELECT owner, id
        FROM (SELECT owner, id FROM tasks INDEXED BY tasks_due WHERE ${PARKED} LIMIT ${MAX_COUNTED})
        ORDER BY id
        LIMIT ${MAX_OLDEST}
      ) AS oldest
      CROSS JOIN tasks ON tasks.owner = oldest.owner AND tasks.id = oldest.id`);

// What waits is in no index by itself: it is what those that run leave of all that are in a queue.
const COUNTS = nameStatement(
  'queues.list',
  `WITH RECURSIVE owners(owner) AS (${ALL_OWNERS}),
running AS MATERIALIZED (
  SELECT queue, count(*) AS n, count(*) FILTER (WHERE held IS NULL) AS told
  FROM (
    SELECT tasks.queue, tasks.held
    FROM owners
    CROSS JOIN tasks INDEXED BY tasks_by_status
      ON tasks.owner = owners.owner AND tasks.status = 'IN_PROGRESS' AND tasks.status <> 'COMPLETED'
    LIMIT ${MAX_COUNTED}
  )
  GROUP BY queue
)
SELECT
  j.value AS name,
  queues.paused_at,
  queues.paused_by,
  ${countSql(TOLD, 2 * MAX_COUNTED)} - coalesce(running.told, 0) AS told,
  ${countSql(PARKED, MAX_COUNTED)} AS parked,
  ${OLDEST_TOLD} AS oldest_told,
  ${OLDEST_PARKED} AS oldest_parked,
  coalesce(running.n, 0) AS in_progress
FROM json_each(?1) AS j
LEFT JOIN queues ON queues.name = j.value
LEFT JOIN running ON running.queue = j.value`,
);

const GET_WAIT = nameStatement(
  'queues.get_wait',
  `SELECT
  queues.paused_at,
  queues.paused_by,
  ${countSql(TOLD, MAX_COUNTED)} + ${countSql(PARKED, MAX_COUNTED)} AS waiting
FROM (SELECT ?1 AS value) AS j
LEFT JOIN queues ON queues.name = j.value`,
);

export interface QueueState {
  name: QueueName;
  paused_at: number | null;
  paused_by: string | null;
  /** At most 10 000 of each kind are counted. */
  pending: number;
  in_progress: number;
  /** Since when (ms) the oldest that waits is due; null when none does. */
  oldest_due_at: number | null;
}

/**
 * Which queues are paused. Only those have a row, so a claim need not look further than whether
 * there is one.
 */
export const createQueueStore = (db: D1Database) => ({
  /** @param by the name of the key by which it is paused */
  async pause(name: QueueName, now: number, by: string | null = null): Promise<void> {
    const row = { name, paused_at: now, paused_by: by };
    await drizzle(db).insert(queuesTable).values(row).onConflictDoNothing();
  },

  async resume(name: QueueName): Promise<void> {
    await drizzle(db).delete(queuesTable).where(eq(queuesTable.name, name));
  },

  /** What a task meets that waits for this queue. */
  async getWait(name: string): Promise<QueueWait> {
    const found = await db.prepare(GET_WAIT).bind(name).first<QueueWait>();
    return found ?? { paused_at: null, paused_by: null, waiting: 0 };
  },

  async list(now: number): Promise<QueueState[]> {
    interface Row extends Pick<QueueState, 'name' | 'paused_at' | 'paused_by' | 'in_progress'> {
      told: number;
      parked: number;
      oldest_told: number | null;
      oldest_parked: number | null;
    }
    const statement = db.prepare(COUNTS).bind(JSON.stringify(QUEUES), now);
    return (await statement.all<Row>()).results.map((row) => {
      const found = [row.oldest_told, row.oldest_parked].filter((at) => at !== null);
      return {
        name: row.name,
        paused_at: row.paused_at,
        paused_by: row.paused_by,
        pending: Math.min(MAX_COUNTED, Math.max(0, row.told)) + row.parked,
        in_progress: row.in_progress,
        oldest_due_at: found.length > 0 ? Math.min(...found) : null,
      };
    });
  },
});

export type QueueStore = ReturnType<typeof createQueueStore>;
