import type { FlowKey } from '../domain/flow.ts';
import { findLeftovers, OUTPUT, type Deleted, type Leftover } from './deletions.ts';
import { nameStatement } from './statements.ts';

// A flow is deleted as a whole: it is marked, and is not there any more, nor is its idempotency key. Then
// its tasks go, a few at a time, and it goes itself with the last of them. Interrupted, it is taken up
// again by its mark.

const MARK = nameStatement(
  'flows.mark_deleted',
  `UPDATE flows
SET deleted_at = ?3, idempotency_key = NULL
WHERE owner = ?1 AND id = ?2 AND completed_at IS NOT NULL AND deleted_at IS NULL
RETURNING id`,
);

const MARK_ALL = nameStatement(
  'flows.mark_all_deleted',
  `UPDATE flows
SET deleted_at = ?2, idempotency_key = NULL
WHERE owner = ?1 AND deleted_at IS NULL`,
);

const OPEN = `SELECT 1
      FROM deliveries
      WHERE deliveries.owner = flows.owner AND deliveries.state = 'OPEN' AND deliveries.task_id`;
// Ended by ?1; ?2 at most, oldest first.
const MARK_OLD = nameStatement(
  'flows.mark_old',
  `UPDATE flows
SET deleted_at = ?3, idempotency_key = NULL
WHERE (owner, id) IN (
    SELECT owner, id
    FROM flows INDEXED BY flows_ended
    WHERE completed_at IS NOT NULL
      AND completed_at < ?1
      AND deleted_at IS NULL
      AND NOT EXISTS (${OPEN} = flows.id)
      AND NOT EXISTS (${OPEN} IN (
        SELECT tasks.id
        FROM tasks INDEXED BY tasks_by_flow
        WHERE tasks.owner = flows.owner AND tasks.flow_id = flows.id
      ))
    ORDER BY completed_at
    LIMIT ?2
  )
RETURNING id`,
);

/** The flows that are being deleted: all of them, or of one owner. ?1 null or the owner. */
const DELETED = `flows INDEXED BY flows_deleted
    WHERE flows.deleted_at IS NOT NULL AND (?1 IS NULL OR flows.owner = ?1)`;
const SOME_TASKS = `SELECT tasks.owner, tasks.id
    FROM (SELECT owner, id FROM ${DELETED}) AS gone
    CROSS JOIN tasks INDEXED BY tasks_by_flow ON tasks.owner = gone.owner AND tasks.flow_id = gone.id
    LIMIT ?2`;
const DELETE_TASKS = nameStatement(
  'flows.delete_tasks',
  `DELETE FROM tasks
WHERE (owner, id) IN (${SOME_TASKS})
RETURNING owner, id, ${OUTPUT}`,
);
const DELETE_EMPTY = nameStatement(
  'flows.delete',
  `DELETE FROM flows
WHERE (owner, id) IN (
    SELECT owner, id
    FROM ${DELETED}
      AND NOT EXISTS (
        SELECT 1
        FROM tasks INDEXED BY tasks_by_flow
        WHERE tasks.owner = flows.owner AND tasks.flow_id = flows.id
      )
    LIMIT ?2
  )
RETURNING owner, id`,
);

export const createFlowDeletions = (db: D1Database) => ({
  /** Marks a flow that has ended; false when it has not, or is not there. */
  markDeleted: async ({ owner, id }: FlowKey, now: number): Promise<boolean> =>
    (await db.prepare(MARK).bind(owner, id, now).first()) !== null,

  /** Marks all flows of an owner, whatever their status. */
  async markAllDeleted(owner: string, now: number): Promise<void> {
    await db.prepare(MARK_ALL).bind(owner, now).run();
  },

  /** Marks flows that ended before that moment (ms), and have delivered all. Returns how many. */
  async markOld(before: number, limit: number, now: number): Promise<number> {
    return (await db.prepare(MARK_OLD).bind(before, limit, now).all()).results.length;
  },

  /**
   * Deletes up to `limit` tasks of flows that are marked, and the flows that have none left.
   * @param owner null: of all
   */
  async deleteMarked(
    owner: string | null,
    limit: number,
  ): Promise<{ tasks: Pick<Deleted, 'owner' | 'id'>[]; flows: number; leftovers: Leftover[] }> {
    const [tasks, flows] = await db.batch<Deleted>([
      db.prepare(DELETE_TASKS).bind(owner, limit),
      db.prepare(DELETE_EMPTY).bind(owner, limit),
    ]);
    const deleted = tasks?.results ?? [];
    return {
      tasks: deleted.map(({ owner: of, id }) => ({ owner: of, id })),
      flows: flows?.results.length ?? 0,
      leftovers: findLeftovers(deleted),
    };
  },
});
