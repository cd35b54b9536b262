import type { Task } from '../domain/task.ts';
import { guardSql, leaseEndSql } from './statements.ts';

/** A claim that somebody holds, and what is to be saved of it. */
export interface Held {
  owner: string;
  id: string;
  attempt: number;
  /** JSON, or null to leave it as it is. */
  progress: string | null;
}

// Not a change of status, and not counted by `version`: clients hear of progress from the running task itself, whose
// frames carry the version of its claim.
const RENEW = `UPDATE tasks SET wake_at = ${leaseEndSql('?1')}, progress = coalesce(h.value ->> 'progress', progress)
FROM json_each(?2) AS h
WHERE tasks.owner = h.value ->> 'owner' AND tasks.id = h.value ->> 'id' AND ${guardSql('complete')}
  AND tasks.attempt = h.value ->> 'attempt'
RETURNING id`;

const HELD = `SELECT tasks.id FROM json_each(?1) AS h JOIN tasks
  ON tasks.owner = h.value ->> 'owner' AND tasks.id = h.value ->> 'id'
WHERE ${guardSql('complete')} AND tasks.attempt = h.value ->> 'attempt'`;

/** Holding on to claims while their tasks run. Each answers with the ids that are still held; the others were taken. */
export const createLeases = (db: D1Database) => {
  const idsOf = async (statement: D1PreparedStatement): Promise<Set<Task['id']>> =>
    new Set((await statement.all<{ id: string }>()).results.map(({ id }) => id));
  return {
    /** Makes the leases last as long again from `now`, and saves the progress. */
    renew: (held: readonly Held[], now: number) =>
      idsOf(db.prepare(RENEW).bind(now, JSON.stringify(held))),
    /** Only looks. */
    stillHeld: (held: readonly Held[]) => idsOf(db.prepare(HELD).bind(JSON.stringify(held))),
  };
};

export type Leases = ReturnType<typeof createLeases>;
