import { QUEUES, type QueueName } from '../domain/routing.ts';

/** Counting stops here: it reads every row. */
const MAX_COUNTED = 10_000;

const countOf = (condition: string): string =>
  `(SELECT count(*) FROM (SELECT 1 FROM tasks WHERE ${condition} LIMIT ${MAX_COUNTED}))`;

// `pending` adds those that wait in the queue and those that were parked while it is paused; each by its own index.
const COUNTS = `SELECT j.value AS name, queues.paused_at,
  ${countOf(`status = 'PENDING' AND wake_at IS NOT NULL AND queue = j.value`)}
    + ${countOf(`status = 'PENDING' AND wake_at IS NULL AND queue = j.value`)} AS pending,
  ${countOf(`status = 'IN_PROGRESS' AND wake_at IS NOT NULL AND queue = j.value`)} AS in_progress
FROM json_each(?1) AS j LEFT JOIN queues ON queues.name = j.value`;

export interface QueueState {
  name: QueueName;
  paused_at: number | null;
  /** At most 10 000 of each kind are counted. */
  pending: number;
  in_progress: number;
}

/** Which queues somebody paused. Only those have a row, so a claim need not look further than whether there is one. */
export const createQueueStore = (db: D1Database) => ({
  async pause(name: QueueName, now: number): Promise<void> {
    await db
      .prepare('INSERT INTO queues (name, paused_at) VALUES (?, ?) ON CONFLICT DO NOTHING')
      .bind(name, now)
      .run();
  },

  async resume(name: QueueName): Promise<void> {
    await db.prepare('DELETE FROM queues WHERE name = ?').bind(name).run();
  },

  async list(): Promise<QueueState[]> {
    return (await db.prepare(COUNTS).bind(JSON.stringify(QUEUES)).all<QueueState>()).results;
  },
});

export type QueueStore = ReturnType<typeof createQueueStore>;
