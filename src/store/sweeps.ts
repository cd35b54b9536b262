import type { DeliveryKey } from '../domain/delivery.ts';
import { lifecycle } from '../domain/lifecycle.ts';
import { RESEND_AFTER_MS } from '../domain/new-task.ts';
import { QUEUES } from '../domain/routing.ts';
import type { Task, TaskSummaryRow } from '../domain/task.ts';
import { MAX_RESCUES, type Status } from '../domain/words.ts';
import { RESEND_DELIVERIES } from './deliveries.ts';
import { createDueStore } from './due.ts';
import { appendAttemptSql, guardSql, nameStatement, SUMMARY_COLUMNS } from './statements.ts';

/** The longest that an overdue task waits for its next look. */
const MAX_RESEND_AFTER_MS = 600_000;

// The write names its rows in its own WHERE: read first and written by id later, a task may have
// finished in between.
const dueRowsSql = (status: Status, more = ''): string =>
  `(owner, id) IN (
    SELECT owner, id
    FROM tasks
    WHERE status = '${status}' AND wake_at <= ?1 ${more}
    ORDER BY wake_at
    LIMIT ?2
  )`;

const DISPATCH = nameStatement(
  'sweep.dispatch',
  `UPDATE tasks
SET status = '${lifecycle.dispatch.to}',
  version = version + 1,
  updated_at = ?1,
  wake_at = ?1 + ${RESEND_AFTER_MS}
WHERE ${dueRowsSql('NEW')}
  AND ${guardSql('dispatch')}
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
  wake_at = NULL,
  failure_sinks = ?3,
  attempts = ${appendAttemptSql(`'failed'`, LOST_ERROR, '?1')}
WHERE ${dueRowsSql('IN_PROGRESS', `AND rescues >= ${MAX_RESCUES}`)}
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
  wake_at = ?1 + ${RESEND_AFTER_MS},
  attempts = ${appendAttemptSql(`'rescued'`, RESCUED_ERROR, '?1')}
WHERE ${dueRowsSql('IN_PROGRESS', `AND rescues < ${MAX_RESCUES}`)}
  AND ${guardSql('rescue')}
  AND rescues < ${MAX_RESCUES}
RETURNING ${SUMMARY_COLUMNS.join(', ')}`,
);

// The clock leaves it alone until its queue is resumed: parking costs one write, and waiting none.
const PARK = nameStatement(
  'sweep.park',
  `UPDATE tasks
SET wake_at = NULL
WHERE ${dueRowsSql('PENDING', 'AND queue IN (SELECT name FROM queues)')}
  AND status = 'PENDING'
  AND queue IN (SELECT name FROM queues)
RETURNING id`,
);

// By queues that are open, so that what is parked in a paused one is not even read.
const UNPARK = nameStatement(
  'sweep.unpark',
  `UPDATE tasks
SET wake_at = ?1 + ${RESEND_AFTER_MS}
WHERE (owner, id) IN (
    SELECT owner, id
    FROM tasks
    WHERE status = 'PENDING'
      AND wake_at IS NULL
      AND queue IN (SELECT value FROM json_each(?3) WHERE value NOT IN (SELECT name FROM queues))
    LIMIT ?2
  )
  AND status = 'PENDING'
  AND wake_at IS NULL
RETURNING owner, id, queue, rescues`,
);

// Clients see nothing of it: neither version nor updated_at moves. The distance to the next look
// doubles with the time that the task has been waiting, give or take a quarter, so that a long
// backlog is not looked at over and over. D1 binds every number as REAL, and a STRICT column takes
// no fraction: hence the cast.
const RESEND = nameStatement(
  'sweep.resend',
  `UPDATE tasks
SET wake_at = CAST(
  ?1 + min(
    ${MAX_RESEND_AFTER_MS},
    max(${RESEND_AFTER_MS}, ?1 - max(updated_at, coalesce(scheduled_at, 0)))
  ) * (750 + abs(random() % 500)) / 1000
  AS INTEGER
)
WHERE ${dueRowsSql('PENDING')}
RETURNING owner, id, queue, rescues`,
);

export type Overdue = Pick<Task, 'owner' | 'id' | 'queue' | 'rescues'>;

export interface Swept {
  /** NEW whose time has come, now PENDING. */
  dispatched: TaskSummaryRow[];
  /** Claims whose lease ran out, PENDING again. */
  rescued: TaskSummaryRow[];
  /** Rescued once too often, now FAILED. */
  lost: TaskSummaryRow[];
  /** Parked rows of queues that were resumed. */
  unparked: Overdue[];
  /** How many rows of paused queues were parked. */
  parked: number;
  /** PENDING rows that no consumer has claimed in time: their message may be lost. */
  overdue: Overdue[];
  /** Open deliveries that were not tried in time. */
  deliveries: DeliveryKey[];
  /** Bytes of the whole database. */
  databaseBytes: number;
}

/**
 * What the clock does with the rows whose `wake_at` has come. All of it reads only `tasks_due`,
 * `deliveries_due` and the rows it moves. `failureSinks`: as for the transitions.
 */
export const createSweeps = (db: D1Database, failureSinks: string | null = null) => ({
  /**
   * Moves at most `limit` due rows of each kind, in one transaction.
   * @param mayRescue false: claims whose lease ran out are left alone
   */
  async sweep(now: number, limit: number, mayRescue = true): Promise<Swept> {
    const prepare = (sql: string, ...more: unknown[]): D1PreparedStatement =>
      db.prepare(sql).bind(now, limit, ...more);
    // Parking goes before looking again, and both before what the others make PENDING.
    const results = await db.batch<TaskSummaryRow>([
      prepare(PARK),
      prepare(RESEND),
      prepare(DISPATCH),
      prepare(UNPARK, JSON.stringify(QUEUES)),
      ...(mayRescue ? [prepare(LOSE, failureSinks), prepare(RESCUE)] : []),
      prepare(RESEND_DELIVERIES),
    ]);
    const rows = results.slice(0, -1).map((result) => result.results);
    const [parked = [], overdue = [], dispatched = [], unparked = [], lost = [], rescued = []] =
      rows;
    const deliveries = (results.at(-1)?.results ?? []) as unknown as DeliveryKey[];
    const databaseBytes = results.at(-1)?.meta.size_after ?? 0;
    const moved = { overdue, dispatched, lost, rescued, unparked, deliveries };
    return { ...moved, parked: parked.length, databaseBytes };
  },

  ...createDueStore(db),
});

export type Sweeps = ReturnType<typeof createSweeps>;
