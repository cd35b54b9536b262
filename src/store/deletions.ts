import type { DeliveryKey } from '../domain/delivery.ts';
import { lifecycle } from '../domain/lifecycle.ts';
import type { Task } from '../domain/task.ts';
import { FINAL_STATUSES } from '../domain/words.ts';
import { openDeliveriesSql } from './deliveries.ts';
import { nameStatement, toSqlList } from './statements.ts';
import { toUuidFloor } from './uuid.ts';

/** The parts of a purged task that a purge reports. */
export type PurgedTask = Pick<Task, 'id' | 'status' | 'scheduled_at'>;

/** A file that a deleted task had written. */
export interface OutputFile {
  owner: string;
  name: string;
}

/** What a task wrote goes with it: the name of its file, null for most. */
const OUTPUT = `CASE WHEN type = 'file_processing' THEN result ->> 'output' END AS output`;

type Deleted = Pick<Task, 'owner' | 'id'> & { output: string | null };
const findOutputs = (rows: readonly Pick<Deleted, 'owner' | 'output'>[]): OutputFile[] =>
  rows.flatMap(({ owner, output }) => (output === null ? [] : [{ owner, name: output }]));

const NAMED = 'SELECT value FROM json_each(?2)';
const REMOVE = nameStatement(
  'tasks.delete',
  `DELETE FROM tasks
WHERE owner = ?1
  AND id IN (${NAMED})
  AND status IN ${toSqlList(lifecycle.delete.from)}
RETURNING owner, id, ${OUTPUT}`,
);

const OLDEST = 'SELECT id FROM tasks WHERE owner = ?1 ORDER BY id LIMIT ?2';
const PURGE = nameStatement(
  'tasks.purge',
  `DELETE FROM tasks
WHERE owner = ?1
  AND id IN (${OLDEST})
RETURNING owner, id, status, scheduled_at, ${OUTPUT}`,
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
RETURNING owner, id, ${OUTPUT}`,
);

/** Deleting tasks; open deliveries are given up with them. */
export const createDeletions = (db: D1Database) => ({
  /**
   * Deletes tasks, unless they run. Returns the ids of those that were, the deliveries given up
   * with them, and the files that they had written.
   */
  async remove(
    owner: string,
    ids: readonly string[],
  ): Promise<{ removed: string[]; givenUp: DeliveryKey[]; outputs: OutputFile[] }> {
    const [open, gone] = await db.batch<DeliveryKey | Deleted>([
      db.prepare(openDeliveriesSql(NAMED)).bind(owner, JSON.stringify(ids)),
      db.prepare(REMOVE).bind(owner, JSON.stringify(ids)),
    ]);
    const deleted = (gone?.results ?? []) as Deleted[];
    const removed = new Set(deleted.map(({ id }) => id));
    const deliveries = (open?.results ?? []) as DeliveryKey[];
    return {
      removed: [...removed],
      givenUp: deliveries.filter(({ task_id }) => removed.has(task_id)),
      outputs: findOutputs(deleted),
    };
  },

  /**
   * Deletes up to `limit` tasks of an owner, whatever their status. Returns them, none when none is
   * left, the deliveries given up with them, and the files that they had written.
   */
  async purge(
    owner: string,
    limit: number,
  ): Promise<{ tasks: PurgedTask[]; givenUp: DeliveryKey[]; outputs: OutputFile[] }> {
    const [open, purged] = await db.batch<DeliveryKey | (PurgedTask & Deleted)>([
      db.prepare(openDeliveriesSql(OLDEST)).bind(owner, limit),
      db.prepare(PURGE).bind(owner, limit),
    ]);
    const deleted = (purged?.results ?? []) as (PurgedTask & Deleted)[];
    return {
      tasks: deleted.map(({ id, status, scheduled_at }) => ({ id, status, scheduled_at })),
      givenUp: (open?.results ?? []) as DeliveryKey[],
      outputs: findOutputs(deleted),
    };
  },

  /**
   * Deletes up to `limit` tasks that ended before `before` (ms). Returns how many, and the files
   * that they had written.
   */
  async prune(before: number, limit: number): Promise<{ pruned: number; outputs: OutputFile[] }> {
    const statement = db.prepare(PRUNE).bind(before, toUuidFloor(before), limit);
    const { results } = await statement.all<Deleted>();
    return { pruned: results.length, outputs: findOutputs(results) };
  },
});
