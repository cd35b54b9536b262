import type { Task } from '../domain/task.ts';
import { guardSql, isHeldSql, leaseEndSql, nameStatement } from './statements.ts';

/** A claim that a worker holds, and what is to be saved of it. */
export interface Lease {
  owner: string;
  id: string;
  attempt: number;
  /** JSON, or null to leave it as it is. */
  progress: string | null;
  /** JSON, or null or unset to leave it as it is. */
  checkpoint?: string | null;
}

// Not a change of status, and not counted by `version`: clients hear of progress from the running
// task itself, whose frames carry the version of its claim.
const RENEW = nameStatement(
  'leases.renew',
  `UPDATE tasks
SET held = 'lease',
  wake_at = ${leaseEndSql('?1')},
  progress = coalesce(h.value ->> 'progress', progress),
  checkpoint = coalesce(h.value ->> 'checkpoint', checkpoint)
FROM json_each(?2) AS h
WHERE ${isHeldSql()}
RETURNING id`,
);

const FIND_HELD = nameStatement(
  'leases.find_held',
  `SELECT tasks.id
FROM json_each(?1) AS h
JOIN tasks ON tasks.owner = h.value ->> 'owner' AND tasks.id = h.value ->> 'id'
WHERE ${guardSql('complete')}
  AND tasks.attempt = h.value ->> 'attempt'`,
);

/**
 * Leases while their tasks run. Each call answers with the ids that are still held; the others were
 * lost.
 */
export const createLeaseStore = (db: D1Database) => {
  const readIds = async (statement: D1PreparedStatement): Promise<Set<Task['id']>> =>
    new Set((await statement.all<{ id: string }>()).results.map(({ id }) => id));
  return {
    /** Makes the leases last as long again from `now`, and saves the progress. */
    renew: (leases: readonly Lease[], now: number) =>
      readIds(db.prepare(RENEW).bind(now, JSON.stringify(leases))),
    /** Only reads. */
    findHeld: (leases: readonly Lease[]) =>
      readIds(db.prepare(FIND_HELD).bind(JSON.stringify(leases))),
  };
};

export type LeaseStore = ReturnType<typeof createLeaseStore>;
