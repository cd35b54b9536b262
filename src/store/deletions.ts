import { readStub } from '../domain/body.ts';
import type { DeliveryKey } from '../domain/delivery.ts';
import { lifecycle } from '../domain/lifecycle.ts';
import type { ChangedTask, Task } from '../domain/task.ts';
import type { BodyKey } from './body-store.ts';
import { stubSql } from './body-sql.ts';
import { openDeliveriesSql } from './deliveries.ts';
import { nameStatement, toSqlList } from './statements.ts';

/** The parts of a purged task that a purge reports. */
export type PurgedTask = Pick<Task, 'id' | 'status' | 'scheduled_at'>;

/** What a deleted task leaves outside of its row: a file that it wrote, or a large body. */
export type Leftover = { owner: string; name: string } | BodyKey;

/** What a task wrote goes with it: the name of its file, and stubs of bodies; null for most. */
export const OUTPUT = `CASE WHEN type = 'file_processing' THEN result ->> 'output' END AS output,
  ${stubSql('params')} AS params_stub,
  ${stubSql('result')} AS result_stub`;

export type Deleted = Pick<Task, 'owner' | 'id'> & {
  output: string | null;
  params_stub: string | null;
  result_stub: string | null;
};
export const findLeftovers = (rows: readonly Deleted[]): Leftover[] =>
  rows.flatMap(({ owner, id, output, params_stub, result_stub }) => [
    ...(output === null ? [] : [{ owner, name: output }]),
    ...[params_stub, result_stub].flatMap((stub) => {
      const name = readStub(stub)?.name;
      return name === undefined ? [] : [{ owner, id, name }];
    }),
  ]);

const NAMED = 'SELECT value FROM json_each(?2)';
const REMOVE = nameStatement(
  'tasks.delete',
  `DELETE FROM tasks
WHERE owner = ?1
  AND id IN (${NAMED})
  AND status IN ${toSqlList(lifecycle.delete.from)}
  AND flow_id IS NULL
RETURNING owner, id, status, held, limit_key, flow_id, node, item, ${OUTPUT}`,
);

// A flow that comes meanwhile stays whole.
const OLDEST = `SELECT id
  FROM tasks
  WHERE owner = ?1
    AND (
      flow_id IS NULL
      OR EXISTS (
        SELECT 1 FROM flows WHERE owner = ?1 AND id = tasks.flow_id AND deleted_at IS NOT NULL
      )
    )
  ORDER BY id
  LIMIT ?2`;
const PURGE = nameStatement(
  'tasks.purge',
  `DELETE FROM tasks
WHERE owner = ?1
  AND id IN (${OLDEST})
RETURNING owner, id, status, scheduled_at, ${OUTPUT}`,
);

/** Deleting tasks; open deliveries are given up with them. A flow's go with it, see flow-deletions.ts. */
export const createDeletions = (db: D1Database) => ({
  /**
   * Deletes tasks, unless they run. Returns the ids of those that were, the deliveries given up
   * with them, the files that they had written, and what others depend on.
   */
  async remove(
    owner: string,
    ids: readonly string[],
  ): Promise<{
    removed: string[];
    givenUp: DeliveryKey[];
    leftovers: Leftover[];
    tasks: ChangedTask[];
  }> {
    const [open, gone] = await db.batch<DeliveryKey | (Deleted & ChangedTask)>([
      db.prepare(openDeliveriesSql(NAMED)).bind(owner, JSON.stringify(ids)),
      db.prepare(REMOVE).bind(owner, JSON.stringify(ids)),
    ]);
    const deleted = (gone?.results ?? []) as (Deleted & ChangedTask)[];
    const removed = new Set(deleted.map(({ id }) => id));
    const deliveries = (open?.results ?? []) as DeliveryKey[];
    return {
      removed: [...removed],
      givenUp: deliveries.filter(({ task_id }) => removed.has(task_id)),
      leftovers: findLeftovers(deleted),
      tasks: deleted,
    };
  },

  /**
   * Deletes up to `limit` tasks of an owner, whatever their status. Returns them, none when none is
   * left, the deliveries given up with them, and the files that they had written.
   */
  async purge(
    owner: string,
    limit: number,
  ): Promise<{ tasks: PurgedTask[]; givenUp: DeliveryKey[]; leftovers: Leftover[] }> {
    const [open, purged] = await db.batch<DeliveryKey | (PurgedTask & Deleted)>([
      db.prepare(openDeliveriesSql(OLDEST)).bind(owner, limit),
      db.prepare(PURGE).bind(owner, limit),
    ]);
    const deleted = (purged?.results ?? []) as (PurgedTask & Deleted)[];
    return {
      tasks: deleted.map(({ id, status, scheduled_at }) => ({ id, status, scheduled_at })),
      givenUp: (open?.results ?? []) as DeliveryKey[],
      leftovers: findLeftovers(deleted),
    };
  },
});
