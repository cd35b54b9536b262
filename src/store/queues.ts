import { eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { QUEUES, type QueueName } from '../domain/routing.ts';
import { queuesTable } from '../schema/queues.ts';
import { nameStatement } from './statements.ts';

/** Counting stops here: it reads every row. */
const MAX_COUNTED = 10_000;

const countSql = (condition: string): string =>
  `(SELECT count(*) FROM (SELECT 1 FROM tasks WHERE ${condition} LIMIT ${MAX_COUNTED}))`;

// `pending` adds the tasks that wait in the queue and those that were parked while it is paused;
// each by its own index.
const COUNTS = nameStatement(
  'queues.list',
  `SELECT
  j.value AS name,
  queues.paused_at,
  ${countSql(`status = 'PENDING' AND wake_at IS NOT NULL AND queue = j.value`)}
    + ${countSql(`status = 'PENDING' AND wake_at IS NULL AND queue = j.value`)} AS pending,
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

  async list(): Promise<QueueState[]> {
    return (await db.prepare(COUNTS).bind(JSON.stringify(QUEUES)).all<QueueState>()).results;
  },
});

export type QueueStore = ReturnType<typeof createQueueStore>;
