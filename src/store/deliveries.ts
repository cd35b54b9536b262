import { and, asc, eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { Delivery, DeliveryKey } from '../domain/delivery.ts';
import { deliveriesTable } from '../schema/deliveries.ts';
import { nameStatement } from './statements.ts';

/** The state after a try: ended, or open again until `due_at`. */
export type DeliveryUpdate = DeliveryKey &
  Pick<Delivery, 'tries' | 'state' | 'due_at' | 'wake_at' | 'ended_at' | 'last_error'> & {
    /** 1 for a try that was not made after all. */
    given_back?: 1;
  };

/** Failures of one kind that a mail is to tell of. Times are ms. */
export interface FailureCount {
  type: string;
  code: string | null;
  message: string | null;
  count: number;
  first_at: number;
  /** The id of the newest. */
  newest: string;
}

/** Exclusive time of one try: the request's 10 s, several at a time, and the writes around them. */
const TRY_LEASE_MS = 60_000;
/** A queue's delays are whole seconds and its clock is not ours. */
const TOLERANCE_MS = 1_000;
/** Deliveries of one task that are shown. */
const MAX_LISTED = 300;

const BY_KEY = `deliveries.owner = k.value ->> 'owner'
  AND deliveries.task_id = k.value ->> 'task_id'
  AND deliveries.version = k.value ->> 'version'
  AND deliveries.sink = k.value ->> 'sink'
  AND deliveries.state = 'OPEN'`;

const CLAIM = nameStatement(
  'deliveries.claim',
  `UPDATE deliveries
SET tries = tries + 1,
  due_at = ?1 + ${TRY_LEASE_MS},
  wake_at = ?1 + ${TRY_LEASE_MS}
FROM json_each(?2) AS k
WHERE ${BY_KEY}
  AND deliveries.due_at <= ?1 + ${TOLERANCE_MS}
RETURNING *`,
);

const UPDATE = nameStatement(
  'deliveries.update',
  `UPDATE deliveries
SET state = k.value ->> 'state',
  tries = tries - coalesce(k.value ->> 'given_back', 0),
  due_at = k.value ->> 'due_at',
  wake_at = k.value ->> 'wake_at',
  ended_at = k.value ->> 'ended_at',
  last_error = k.value ->> 'last_error'
FROM json_each(?1) AS k
WHERE ${BY_KEY}
  AND deliveries.tries = k.value ->> 'tries'`,
);

/** Failures that one mail tells of at most; the others come with the next. */
const MAX_FAILURES = 10_000;
const OPEN_FAILURES = `deliveries.sink = 'failure_email'
  AND deliveries.wake_at IS NOT NULL
  AND deliveries.owed_at <= ?1`;

const COUNT_FAILURES = nameStatement(
  'deliveries.count_failures',
  `SELECT type, code, message, count(*) AS count, min(owed_at) AS first_at, max(id) AS newest
FROM (
  SELECT
    tasks.type,
    tasks.id,
    deliveries.owed_at,
    tasks.attempts ->> '$[#-1].error.code' AS code,
    tasks.attempts ->> '$[#-1].error.message' AS message
  FROM deliveries INDEXED BY deliveries_due
  JOIN tasks ON tasks.owner = deliveries.owner AND tasks.id = deliveries.task_id
  WHERE ${OPEN_FAILURES}
  LIMIT ${MAX_FAILURES}
)
GROUP BY type, code, message
ORDER BY count DESC, newest DESC`,
);

const END_FAILURES = nameStatement(
  'deliveries.end_failures',
  `UPDATE deliveries
SET state = 'DELIVERED', wake_at = NULL, ended_at = ?2, last_error = NULL
WHERE (owner, task_id, version, sink) IN (
    SELECT owner, task_id, version, sink
    FROM deliveries INDEXED BY deliveries_due
    WHERE ${OPEN_FAILURES}
    LIMIT ${MAX_FAILURES}
  )`,
);

/**
 * Statement of the sweep: what is due for a look, to be sent to the delivery queue again. ?1 is
 * now, ?2 a limit.
 */
export const RESEND_DELIVERIES = nameStatement(
  'sweep.resend_deliveries',
  `UPDATE deliveries
SET wake_at = ?1 + ${TRY_LEASE_MS}
WHERE (owner, task_id, version, sink) IN (
    SELECT owner, task_id, version, sink
    FROM deliveries
    WHERE wake_at <= ?1
    ORDER BY wake_at
    LIMIT ?2
  )
  AND state = 'OPEN'
RETURNING owner, task_id, version, sink`,
);

/** Mails about failures gather many, and are sent by themselves. */
const REOPEN = nameStatement(
  'deliveries.reopen',
  `UPDATE deliveries
SET state = 'OPEN', due_at = ?3, wake_at = ?4, ended_at = NULL
WHERE owner = ?1
  AND task_id = ?2
  AND state <> 'DELIVERED'
  AND sink <> 'failure_email'
RETURNING owner, task_id, version, sink`,
);

/** Statement of a delete: what would be given up with the tasks that a subquery names. */
export const openDeliveriesSql = (tasks: string): string =>
  `SELECT owner, task_id, version, sink
FROM deliveries
WHERE state = 'OPEN'
  AND owner = ?1
  AND task_id IN (${tasks})`;

/** Deliveries. The triggers of the migration write them; here they are tried and updated. */
export const createDeliveryStore = (db: D1Database) => ({
  /** Takes those of `keys` that are open and due, one try more each. */
  async claim(keys: readonly DeliveryKey[], now: number): Promise<Delivery[]> {
    return (await db.prepare(CLAIM).bind(now, JSON.stringify(keys)).all<Delivery>()).results;
  },

  /** Makes all of a task that were not delivered due now; looked at again at `wakeAt`. */
  async reopen(owner: string, id: string, now: number, wakeAt: number): Promise<DeliveryKey[]> {
    return (await db.prepare(REOPEN).bind(owner, id, now, wakeAt).all<DeliveryKey>()).results;
  },

  /** Writes what became of tries, fenced on the try. */
  async update(updates: readonly DeliveryUpdate[]): Promise<void> {
    await db.prepare(UPDATE).bind(JSON.stringify(updates)).run();
  },

  /** What a mail about failures has to tell at `until` (ms), the most frequent first. */
  async countFailures(until: number): Promise<FailureCount[]> {
    return (await db.prepare(COUNT_FAILURES).bind(until).all<FailureCount>()).results;
  },

  /** A mail has told of all failures until then. */
  async endFailures(until: number, now: number): Promise<void> {
    await db.prepare(END_FAILURES).bind(until, now).run();
  },

  /** All deliveries of a task, oldest first. */
  listByTask: (owner: string, taskId: string): Promise<Delivery[]> =>
    drizzle(db)
      .select()
      .from(deliveriesTable)
      .where(and(eq(deliveriesTable.owner, owner), eq(deliveriesTable.task_id, taskId)))
      .orderBy(asc(deliveriesTable.version), asc(deliveriesTable.sink))
      .limit(MAX_LISTED),
});

export type DeliveryStore = ReturnType<typeof createDeliveryStore>;
