import type { Task, TaskError } from '../domain/task.ts';
import { PRIORITIES } from '../domain/words.ts';
import { bodyBytesSql } from './body-sql.ts';
import type { Lease } from './leases.ts';
import {
  claimSetSql,
  guardSql,
  isHeldSql,
  leaseEndSql,
  nameStatement,
  settleSetSql,
} from './statements.ts';

// Runs that go on outside: by workers, by endpoints that answer later, by people.

/** The lease of a worker's task until its worker was heard of. */
const FIRST_LEASE_MS = 10_000;
/** Parameters that one claim takes, and those of the task that goes beyond. */
const MAX_CLAIMED_BYTES = 4_000_000;

// Tasks for workers are claimed under a lease at once: no message of theirs comes back. It is short
// until their worker was heard of, for a caller who hung up is not noticed.
const CLAIM_FOR_WORKER = nameStatement(
  'tasks.claim_for_worker',
  `UPDATE tasks
SET ${claimSetSql('?1')},
  held = 'lease',
  wake_at = ?1 + min(timeout_ms, ${FIRST_LEASE_MS})
WHERE (owner, id) IN (
    SELECT owner, id
    FROM (
      SELECT owner, id, sum(bytes) OVER (ROWS UNBOUNDED PRECEDING) - bytes AS bytes_before
      FROM (
        SELECT waiting.owner, waiting.id, ${bodyBytesSql('waiting.params')} AS bytes
        FROM json_each(?3) AS j
        CROSS JOIN tasks AS waiting INDEXED BY tasks_for_workers
          ON waiting.owner = ?2
          AND waiting.type = j.value ->> 0
          AND waiting.priority = j.value ->> 1
          AND waiting.held = 'worker'
        WHERE (waiting.expires_at IS NULL OR waiting.attempt > 0 OR waiting.expires_at > ?1)
          AND NOT EXISTS (
            SELECT 1
            FROM task_types
            WHERE task_types.owner = ?2
              AND task_types.name = j.value ->> 0
              AND task_types.paused_until > ?1
          )
        LIMIT ?4
      )
    )
    WHERE bytes_before < ${MAX_CLAIMED_BYTES}
  )
  AND +held = 'worker'
  AND ${guardSql('claim')}
RETURNING *`,
);

// A run outside ends with its time, however lively its heartbeat is.
const RENEW_OUTSIDE = nameStatement(
  'leases.renew_outside',
  `UPDATE tasks
SET held = 'lease',
  wake_at = min(${leaseEndSql('?1')}, tasks.started_at + tasks.timeout_ms),
  progress = coalesce(h.value ->> 'progress', progress),
  checkpoint = coalesce(h.value ->> 'checkpoint', checkpoint)
FROM json_each(?2) AS h
WHERE ${isHeldSql()}
  AND tasks.started_at + tasks.timeout_ms > ?1
RETURNING id, wake_at, version`,
);

// Whoever was asked has the whole time, until it is heard of.
const HAND_OVER = nameStatement(
  'leases.hand_over',
  `UPDATE tasks
SET held = 'lease',
  wake_at = started_at + timeout_ms
WHERE owner = ?1 AND id = ?2 AND attempt = ?3
  AND ${guardSql('complete')}`,
);

// ?4 to ?6: a result, an error as JSON, and where a failure is delivered to.
const settleSql = (outcome: 'completed' | 'failed'): string =>
  nameStatement(
    `tasks.settle_${outcome}`,
    `UPDATE tasks
SET ${settleSetSql(outcome, '?1', '?5')},
  result = ?4,
  failure_sinks = ?6
WHERE owner = ?2 AND id = ?3 AND held = 'person' AND ${guardSql('settle')}
RETURNING *`,
  );
const COMPLETE = settleSql('completed');
const FAIL = settleSql('failed');

/** A lease that goes on; `until` in ms. */
export interface Renewed {
  until: number;
  version: number;
}

/** @param failureSinks as for the transitions */
export const createOutsideRuns = (db: D1Database, failureSinks: string | null = null) => ({
  /**
   * Takes up to `most` of an owner's tasks for one of its workers, the most urgent first, then the
   * oldest; of types as urgent in the order in which they are named.
   */
  async claimForWorker(
    owner: string,
    types: readonly string[],
    most: number,
    now: number,
  ): Promise<Task[]> {
    const order = PRIORITIES.flatMap((priority) => types.map((type) => [type, priority]));
    const statement = db.prepare(CLAIM_FOR_WORKER).bind(now, owner, JSON.stringify(order), most);
    return (await statement.all<Task>()).results;
  },

  /** The same for runs outside. Returns until when each lasts now (ms), and its version, by task. */
  async renew(leases: readonly Lease[], now: number): Promise<Map<string, Renewed>> {
    const statement = db.prepare(RENEW_OUTSIDE).bind(now, JSON.stringify(leases));
    const { results } = await statement.all<{ id: string; wake_at: number; version: number }>();
    return new Map(results.map(({ id, wake_at, version }) => [id, { until: wake_at, version }]));
  },
  /** The run goes on elsewhere: its lease lasts as long as its time. */
  async handOver({ owner, id, attempt }: Omit<Lease, 'progress'>): Promise<void> {
    await db.prepare(HAND_OVER).bind(owner, id, attempt).run();
  },

  /** A person ended it, with a result (JSON) or an error; null when it does not wait for one. */
  settle(
    { owner, id }: Pick<Task, 'owner' | 'id'>,
    end: { result: string } | { error: TaskError },
    now: number,
  ): Promise<Task | null> {
    const isFailed = 'error' in end;
    const [result, error] = isFailed ? [null, JSON.stringify(end.error)] : [end.result, null];
    const statement = db.prepare(isFailed ? FAIL : COMPLETE);
    const sinks = isFailed ? failureSinks : null;
    return statement.bind(now, owner, id, result, error, sinks).first<Task>();
  },
});

export type OutsideRuns = ReturnType<typeof createOutsideRuns>;
