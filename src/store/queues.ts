import { eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { QUEUES, type QueueName } from '../domain/routing.ts';
import { queuesTable } from '../schema/queues.ts';
import { nameStatement } from './statements.ts';

/** Counting stops here: it reads every row. */
const MAX_COUNTED = 10_000;

/** Of the tasks that wait, so many that were submitted first are looked at: some wait for a time. */
const MAX_OLDEST = 100;

const countSql = (condition: string): string =>
  `(SELECT count(*) FROM (SELECT 1 FROM tasks WHERE ${condition} LIMIT ${MAX_COUNTED}))`;

const WAITS = [
  `status = 'PENDING' AND wake_at IS NOT NULL AND queue = j.value`,
  `status = 'PENDING' AND wake_at IS NULL AND queue = j.value`,
] as const;

// Ids sort by time, and every index has them: only the rows of the first ones are read.
const oldestSql = (condition: string): string => `(
    SELECT min(max(tasks.submitted_at, coalesce(tasks.scheduled_at, 0)))
    FROM (
      SELECT owner, id
      FROM (SELECT owner, id FROM tasks WHERE ${condition} LIMIT ${MAX_COUNTED})
      ORDER BY id
      LIMIT ${MAX_OLDEST}
    ) AS oldest
    JOIN tasks ON tasks.owner = oldest.owner AND tasks.id = oldest.id
    WHERE max(tasks.submitted_at, coalesce(tasks.scheduled_at, 0)) <= ?2
  )`;

// `pending` adds the tasks that wait in the queue and those that were parked while it is paused;
// each by its own index.
const COUNTS = nameStatement(
  'queues.list',
  `SELECT
  j.value AS name,
  queues.paused_at,
  ${WAITS.map(countSql).join(' + ')} AS pending,
  ${WAITS.map((wait, i) => `${oldestSql(wait)} AS oldest_${i}`).join(', ')},
  ${countSql(`status = 'IN_PROGRESS' AND wake_at IS NOT NULL AND queue = j.value`)} AS in_progress
FROM json_each(?1) AS j
LEFT JOIN queues ON queues.name = j.value`,
);

export interface QueueState {
  name: QueueName;
  paused_at: number | null;
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
  async pause(name: QueueName, now: number): Promise<void> {
    await drizzle(db).insert(queuesTable).values({ name, paused_at: now }).onConflictDoNothing();
  },

  async resume(name: QueueName): Promise<void> {
    await drizzle(db).delete(queuesTable).where(eq(queuesTable.name, name));
  },

  async list(now: number): Promise<QueueState[]> {
    type Row = QueueState & { oldest_0: number | null; oldest_1: number | null };
    const statement = db.prepare(COUNTS).bind(JSON.stringify(QUEUES), now);
    return (await statement.all<Row>()).results.map(({ oldest_0, oldest_1, ...state }) => {
      const found = [oldest_0, oldest_1].filter((at) => at !== null);
      return { ...state, oldest_due_at: found.length > 0 ? Math.min(...found) : null };
    });
  },
});

export type QueueStore = ReturnType<typeof createQueueStore>;
