import type { TaskKey } from '../domain/task.ts';
import { nameStatement } from './statements.ts';

// Of a task that was claimed since, and waits for another attempt, the message has left.
const FIND_UNCLAIMED = nameStatement(
  'tasks.find_unclaimed',
  `SELECT tasks.id
FROM json_each(?1) AS j
CROSS JOIN tasks ON tasks.owner = j.value ->> 'owner' AND tasks.id = j.value ->> 'id'
WHERE tasks.status = 'PENDING'
  AND tasks.held IS NULL
  AND coalesce(tasks.started_at, 0) < j.value ->> 'sentAt'`,
);

/** A task that a message in its queue names, since then (ms). */
export interface SentTask extends TaskKey {
  sentAt: number;
}

export const createSentTaskStore = (db: D1Database) => ({
  /** Which of these tasks no attempt has claimed since they were sent to their queues, by id. */
  async findUnclaimed(sent: readonly SentTask[]): Promise<Set<string>> {
    const keys = sent.map(({ owner, id, sentAt }) => ({ owner, id, sentAt }));
    const statement = db.prepare(FIND_UNCLAIMED).bind(JSON.stringify(keys));
    return new Set((await statement.raw<[string]>()).map(([id]) => id));
  },
});

export type SentTaskStore = ReturnType<typeof createSentTaskStore>;
