import type { DeliveryKey } from '../domain/delivery.ts';
import { lifecycle } from '../domain/lifecycle.ts';
import { QUEUES } from '../domain/routing.ts';
import type { Task, TaskSummaryRow } from '../domain/task.ts';
import { MAX_RESCUES } from '../domain/words.ts';
import { RESEND_DELIVERIES } from './deliveries.ts';
import { createDueStore, dueRowsSql } from './due.ts';
import { EXPIRE, EXPIRE_UNBEGUN, FIND_TIMED_OUT, IS_TIMED_OUT } from './outside-sweeps.ts';
import { LOOK, type Look, type Looked, type Overdue } from './look.ts';
import { runnableSql, SET_IDLE, setRunnableSql } from './runnable.ts';
import { appendAttemptSql, guardSql, nameStatement, SUMMARY_COLUMNS } from './statements.ts';

const due = { now: '?1', scheduledAt: 'NULL', queue: 'queue', timeoutMs: 'timeout_ms' };
const runnable = setRunnableSql(runnableSql(due));

// A retry that was held is PENDING already: clients see nothing of it.
const DISPATCH = nameStatement(
  'sweep.dispatch',
  `UPDATE tasks
SET status = '${lifecycle.dispatch.to}',
  version = version + (status <> '${lifecycle.dispatch.to}'),
  updated_at = ?1,
  ${runnable}
WHERE ${dueRowsSql('time')}
  AND tasks.status IN ('NEW', 'PENDING')
RETURNING ${SUMMARY_COLUMNS.join(', ')}`,
);

const LOST_ERROR = `json_object(
  'code', 'lost',
  'message', 'The task ended its worker ' || (rescues + 1) || ' times and was not run again'
)`;
const RESCUED_ERROR = `json_object(
  'code', 'lease_expired',
  'message', 'The worker that ran this attempt went away'
)`;

const LOSE = nameStatement(
  'sweep.lose',
  `UPDATE tasks
SET status = '${lifecycle.lose.to}',
  version = version + 1,
  updated_at = ?1,
  completed_at = ?1,
  ${SET_IDLE},
  failure_sinks = ?3,
  attempts = ${appendAttemptSql(`'failed'`, LOST_ERROR, '?1')}
WHERE ${dueRowsSql('lease', `AND rescues >= ${MAX_RESCUES} AND NOT ${IS_TIMED_OUT}`)}
  AND ${guardSql('lose')}
  AND rescues >= ${MAX_RESCUES}
RETURNING ${SUMMARY_COLUMNS.join(', ')}`,
);

const RESCUE = nameStatement(
  'sweep.rescue',
  `UPDATE tasks
SET status = '${lifecycle.rescue.to}',
  version = version + 1,
  updated_at = ?1,
  rescues = rescues + 1,
  ${runnable},
  attempts = ${appendAttemptSql(`'rescued'`, RESCUED_ERROR, '?1')}
WHERE ${dueRowsSql('lease', `AND rescues < ${MAX_RESCUES} AND NOT ${IS_TIMED_OUT}`)}
  AND ${guardSql('rescue')}
  AND rescues < ${MAX_RESCUES}
RETURNING ${SUMMARY_COLUMNS.join(', ')}`,
);

// By queues that are open, so that what is parked in a paused one is not even read.
const UNPARK = nameStatement(
  'sweep.unpark',
  `UPDATE tasks
SET ${runnable}
WHERE (owner, id) IN (
    SELECT owner, id
    FROM tasks INDEXED BY tasks_due
    WHERE held = 'queue'
      AND queue IN (SELECT value FROM json_each(?3) WHERE value NOT IN (SELECT name FROM queues))
    LIMIT ?2
  )
  AND +held = 'queue'
RETURNING owner, id, queue, rescues, held, limit_key`,
);

/** Its limit lets it go anew: at once a rate would let all go together. */
type UnparkedTask = Overdue & Pick<Task, 'held' | 'limit_key'>;

export interface Swept {
  /** NEW whose time has come, now PENDING. */
  dispatched: TaskSummaryRow[];
  /** Claims whose lease ran out, PENDING again. */
  rescued: TaskSummaryRow[];
  /** Rescued once too often, now FAILED. */
  lost: TaskSummaryRow[];
  /** Runs outside whose time is over, still as they were claimed. */
  timedOut: Task[];
  /** Tasks that nobody ended in time, now FAILED. */
  expired: TaskSummaryRow[];
  /** Tasks that were to begin by now, CANCELLED. */
  unbegun: TaskSummaryRow[];
  /** Parked rows of queues that were resumed. */
  unparked: UnparkedTask[];
  /** How many rows of paused queues were parked. */
  parked: number;
  /** PENDING rows whose message is lost. */
  overdue: Overdue[];
  /** How many rows were looked at because their message should be gone. */
  looked: number;
  /** Open deliveries that were not tried in time. */
  deliveries: DeliveryKey[];
}

/**
 * What the clock does with the rows whose `wake_at` has come. All of it reads only `tasks_due`,
 * `deliveries_due` and the rows it moves. `failureSinks`: as for the transitions.
 */
export const createSweeps = (db: D1Database, failureSinks: string | null = null) => ({
  /**
   * Moves at most `limit` due rows of each kind, in one transaction.
   * @param looks queues in which something may be lost
   * @param mayRescue false: claims whose lease ran out are left alone
   */
  async sweep(
    now: number,
    limit: number,
    looks: readonly Look[],
    mayRescue = true,
  ): Promise<Swept> {
    const prepare = (sql: string, ...more: unknown[]): D1PreparedStatement =>
      db.prepare(sql).bind(now, limit, ...more);
    // Looking goes before what the others make PENDING.
    const results = await db.batch<object>([
      prepare(LOOK, JSON.stringify(looks)),
      prepare(DISPATCH),
      prepare(UNPARK, JSON.stringify(QUEUES)),
      prepare(RESEND_DELIVERIES),
      prepare(EXPIRE, failureSinks),
      prepare(EXPIRE_UNBEGUN),
      ...(mayRescue ? [prepare(FIND_TIMED_OUT), prepare(LOSE, failureSinks), prepare(RESCUE)] : []),
    ]);
    const [
      looked = [],
      dispatched = [],
      unparked = [],
      deliveries = [],
      expired = [],
      unbegun = [],
      timedOut = [],
      lost = [],
      rescued = [],
    ] = results.map((result) => result.results);
    const seen = looked as Looked[];
    return {
      dispatched: dispatched as TaskSummaryRow[],
      rescued: rescued as TaskSummaryRow[],
      lost: lost as TaskSummaryRow[],
      timedOut: timedOut as Task[],
      expired: expired as TaskSummaryRow[],
      unbegun: unbegun as TaskSummaryRow[],
      unparked: unparked as UnparkedTask[],
      parked: seen.filter(({ held }) => held === 'queue').length,
      overdue: seen
        .filter(({ is_lost }) => is_lost === 1)
        .map(({ owner, id, queue, rescues }) => ({ owner, id, queue, rescues })),
      looked: seen.length,
      deliveries: deliveries as DeliveryKey[],
    };
  },

  ...createDueStore(db),
});

export type Sweeps = ReturnType<typeof createSweeps>;
