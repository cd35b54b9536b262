import { findLatestCutoff, type PruneCutoffs } from '../domain/retention.ts';
import type { Task, TaskKey } from '../domain/task.ts';
import { FINAL_STATUSES } from '../domain/words.ts';
import { findLeftovers, OUTPUT, type Deleted, type Leftover } from './deletions.ts';
import { createBinder } from './filter-sql.ts';
import { nameStatement, ROW_BYTES, toSqlList } from './statements.ts';
import { toUuidFloor } from './uuid.ts';

// The owners are found one by one, each by a seek.
const OWNERS = `WITH RECURSIVE owners(owner) AS (
  SELECT min(owner) FROM tasks
  UNION ALL
  SELECT (SELECT min(owner) FROM tasks WHERE owner > owners.owner)
  FROM owners
  WHERE owners.owner IS NOT NULL
)`;

const IS_DELIVERED = `NOT EXISTS (
      SELECT 1
      FROM deliveries
      WHERE owner = tasks.owner AND task_id = tasks.id AND state = 'OPEN'
    )`;

/**
 * The moment before which a task must have ended, as SQL. Types and statuses are bound, for they
 * are the operator's words.
 */
const toCutoffSql = ({ rules, otherwise }: PruneCutoffs, bind: (value: unknown) => string) => {
  const whens = rules.map(({ type, status, before }) => {
    const conditions = [
      ...(type === null ? [] : [`tasks.type = ${bind(type)}`]),
      ...(status === null ? [] : [`tasks.status = ${bind(status)}`]),
    ];
    return `WHEN ${conditions.join(' AND ')} THEN ${bind(before)}`;
  });
  const last = bind(otherwise);
  return whens.length === 0 ? last : `CASE ${whens.join(' ')} ELSE ${last} END`;
};

// Ids begin with the time of the submit, and nothing ends before it was submitted: only old enough
// rows are read.
const findOld = (cutoff: string, floor: string, limit: string): string =>
  `SELECT tasks.owner, tasks.id
  FROM owners
  CROSS JOIN tasks ON tasks.owner = owners.owner AND tasks.id < ${floor}
  WHERE tasks.status IN ${toSqlList(FINAL_STATUSES)}
    AND tasks.flow_id IS NULL
    AND tasks.completed_at < ${cutoff}
    AND ${IS_DELIVERED}
  LIMIT ${limit}`;
const findOldest = (limit: string): string =>
  `SELECT tasks.owner, tasks.id
  FROM owners
  CROSS JOIN tasks ON tasks.owner = owners.owner AND tasks.id IN (
    SELECT id FROM tasks WHERE owner = owners.owner AND completed_at IS NOT NULL AND flow_id IS NULL ORDER BY id LIMIT ${limit}
  )
  WHERE ${IS_DELIVERED}
  ORDER BY tasks.id
  LIMIT ${limit}`;
const deleteSql = (found: string): string =>
  nameStatement(
    'tasks.prune',
    `${OWNERS}
DELETE FROM tasks
WHERE (owner, id) IN (
  ${found}
)
RETURNING owner, id, ${OUTPUT}`,
  );
const readSql = (found: string): string =>
  nameStatement(
    'tasks.find_prunable',
    `${OWNERS}
SELECT owner, id, version, completed_at, ${ROW_BYTES} AS bytes
FROM tasks
WHERE (owner, id) IN (
  ${found}
)`,
  );
// As they were archived: one that was run again since stays.
const DELETE_ARCHIVED = nameStatement(
  'tasks.delete_archived',
  `DELETE FROM tasks
WHERE (owner, id, version) IN (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1))
RETURNING owner, id, ${OUTPUT}`,
);

/** A task that is past its time. */
export type Prunable = TaskKey & Pick<Task, 'version'> & { completed_at: number; bytes: number };

/** Which tasks are past their time: of those that ended before `cutoffs`, or, with null, the oldest of all. */
const bindPrunable = (
  cutoffs: PruneCutoffs | null,
  limit: number,
): { found: string; values: readonly unknown[] } => {
  const { bind, values } = createBinder();
  if (!cutoffs) return { found: findOldest(bind(limit)), values };
  const floor = bind(toUuidFloor(findLatestCutoff(cutoffs)));
  return { found: findOld(toCutoffSql(cutoffs, bind), floor, bind(limit)), values };
};

/** Deleting what has ended long ago, or, where room is needed, first. */
export const createPrunes = (db: D1Database) => ({
  /**
   * Deletes up to `limit` tasks that ended before the moment that is theirs, or, with null, that ended
   * first. Returns how many, and what they leave behind.
   */
  async prune(
    cutoffs: PruneCutoffs | null,
    limit: number,
  ): Promise<{ pruned: number; leftovers: Leftover[] }> {
    const { found, values } = bindPrunable(cutoffs, limit);
    const statement = db.prepare(deleteSql(found)).bind(...values);
    const { results } = await statement.all<Deleted>();
    return { pruned: results.length, leftovers: findLeftovers(results) };
  },

  /** The tasks that `prune` would delete. */
  async findPrunable(cutoffs: PruneCutoffs | null, limit: number): Promise<Prunable[]> {
    const { found, values } = bindPrunable(cutoffs, limit);
    return (
      await db
        .prepare(readSql(found))
        .bind(...values)
        .all<Prunable>()
    ).results;
  },

  /** Deletes these, as they were read. */
  async deleteArchived(
    tasks: readonly Prunable[],
  ): Promise<{ pruned: number; leftovers: Leftover[] }> {
    const bound = JSON.stringify(tasks.map(({ owner, id, version }) => [owner, id, version]));
    const { results } = await db.prepare(DELETE_ARCHIVED).bind(bound).all<Deleted>();
    return { pruned: results.length, leftovers: findLeftovers(results) };
  },
});
