import type { DeliveryKey } from '../domain/delivery.ts';
import { lifecycle } from '../domain/lifecycle.ts';
import type { Task } from '../domain/task.ts';
import { FINAL_STATUSES } from '../domain/words.ts';
import { openDeliveriesSql } from './deliveries.ts';
import { nameStatement, toSqlList } from './statements.ts';
import { toUuidFloor } from './uuid.ts';

/** The parts of a purged task that a purge reports. */
export type PurgedTask = Pick<Task, 'id' | 'status' | 'scheduled_at'>;

const NAMED = 'SELECT value FROM json_each(?2)';
const REMOVE = nameStatement(
  'tasks.delete',
  `DELETE FROM tasks
WHERE owner = ?1
  AND id IN (${NAMED})
  AND status IN ${toSqlList(lifecycle.delete.from)}
RETURNING id`,
);

const OLDEST = 'SELECT id FROM tasks WHERE owner = ?1 ORDER BY id LIMIT ?2';
const PURGE = nameStatement(
  'tasks.purge',
  `DELETE FROM tasks
WHERE owner = ?1
  AND id IN (${OLDEST})
RETURNING id, status, scheduled_at`,
);

// Ids begin with the time of the submit, and nothing ends before it was submitted: only old enough
// rows are read. The owners are found one by one, each by a seek.
const PRUNE = nameStatement(
  'tasks.prune',
  `WITH RECURSIVE owners(owner) AS (
  SELECT min(owner) FROM tasks
  UNION ALL
  SELECT (SELECT min(owner) FROM tasks WHERE owner > owners.owner)
  FROM owners
  WHERE owners.owner IS NOT NULL
)
DELETE FROM tasks
WHERE (owner, id) IN (
  SELECT tasks.owner, tasks.id
  FROM owners
  CROSS JOIN tasks ON tasks.owner = owners.owner AND tasks.id < ?2
  WHERE tasks.status IN ${toSqlList(FINAL_STATUSES)}
    AND tasks.completed_at < ?1
    AND NOT EXISTS (
      SELECT 1
      FROM deliveries
      WHERE owner = tasks.owner AND task_id = tasks.id AND state = 'OPEN'
    )
  LIMIT ?3
)
RETURNING id`,
);

/** Deleting tasks; open deliveries are given up with them. */
export const createDeletions = (db: D1Database) => ({
  /**
   * Deletes tasks, unless they run. Returns the ids of those that were, and the deliveries given up
   * with them.
   */
  async remove(
    owner: string,
    ids: readonly string[],
  ): Promise<{ removed: string[]; givenUp: DeliveryKey[] }> {
    const [open, gone] = await db.batch<DeliveryKey | { id: string }>([
      db.prepare(openDeliveriesSql(NAMED)).bind(owner, JSON.stringify(ids)),
      db.prepare(REMOVE).bind(owner, JSON.stringify(ids)),
    ]);
    const removed = new Set(((gone?.results ?? []) as { id: string }[]).map(({ id }) => id));
    const deliveries = (open?.results ?? []) as DeliveryKey[];
    return {
      removed: [...removed],
      givenUp: deliveries.filter(({ task_id }) => removed.has(task_id)),
    };
  },

  /**
   * Deletes up to `limit` tasks of an owner, whatever their status. Returns them, none when none is
   * left, and the deliveries given up with them.
   */
  async purge(
    owner: string,
    limit: number,
  ): Promise<{ tasks: PurgedTask[]; givenUp: DeliveryKey[] }> {
    const [open, purged] = await db.batch<DeliveryKey | PurgedTask>([
      db.prepare(openDeliveriesSql(OLDEST)).bind(owner, limit),
      db.prepare(PURGE).bind(owner, limit),
    ]);
    return {
      tasks: (purged?.results ?? []) as PurgedTask[],
      givenUp: (open?.results ?? []) as DeliveryKey[],
    };
  },

  /** Deletes up to `limit` tasks that ended before `before` (ms). Returns how many. */
  async prune(before: number, limit: number): Promise<number> {
    const statement = db.prepare(PRUNE).bind(before, toUuidFloor(before), limit);
    return (await statement.all()).results.length;
  },
});
