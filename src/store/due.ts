import { isManualQueue, isQueueName, QUEUES, ROUTES, type QueueName } from '../domain/routing.ts';
import type { HeldReason } from '../domain/words.ts';
import { nameStatement } from './statements.ts';

const NAMES = ROUTES.map((queue) => `'${queue}'`).join(', ');

/**
 * The rows that the clock has to look at, as a condition: ?1 is now, ?2 how many at most.
 * The write names them in its own WHERE: read first and written by id later, a task may have
 * finished in between. The plus signs keep the planner from looking at all that is held so.
 * @param more a further condition on them
 */
export const dueRowsSql = (held: HeldReason, more = ''): string =>
  `(owner, id) IN (
    SELECT owner, id
    FROM tasks INDEXED BY tasks_due
    WHERE held = '${held}' AND queue IN (${NAMES}) AND wake_at <= ?1 ${more}
    LIMIT ?2
  )
  AND +held = '${held}'
  AND +wake_at <= ?1`;

const earliestSql = (held: string): string =>
  `(
    SELECT min(wake_at)
    FROM tasks INDEXED BY tasks_due
    WHERE held ${held} AND queue = j.value AND wake_at IS NOT NULL
  )`;

const FAR = '9e15';
/** The first moment of what is in no queue, as SQL; each place by a seek. */
const earliestOutsideSql = (places: readonly (readonly [HeldReason, string])[]): string =>
  `nullif(min(${places
    .map(
      ([held, queue]) => `coalesce((
      SELECT min(wake_at)
      FROM tasks INDEXED BY tasks_due
      WHERE held = '${held}' AND queue = '${queue}' AND wake_at IS NOT NULL
    ), ${FAR})`,
    )
    .join(', ')}), ${FAR})`;
const OUTSIDE = ROUTES.filter((route) => !isQueueName(route));
const OUTSIDE_TIME = earliestOutsideSql(OUTSIDE.map((queue) => ['time', queue]));
// A run whose lease ends, and a task that a person should have ended by then.
const OUTSIDE_LATE = earliestOutsideSql(
  OUTSIDE.map((queue) => [isManualQueue(queue) ? 'person' : 'lease', queue]),
);

// They go on at once, so there are few, wherever they will run.
const FLOW = `(
    SELECT min(wake_at) FROM tasks INDEXED BY tasks_due WHERE held = 'flow' AND wake_at IS NOT NULL
  )`;

// Each by a seek.
const NEXT_WAKE = nameStatement(
  'sweep.next_wake',
  `SELECT
  j.value AS queue,
  EXISTS (SELECT 1 FROM queues WHERE name = j.value) AS is_paused,
  ${earliestSql(`= 'time'`)} AS time_at,
  ${earliestSql(`= 'lease'`)} AS lease_at,
  ${earliestSql('IS NULL')} AS message_at,
  EXISTS (SELECT 1 FROM tasks INDEXED BY tasks_due WHERE held = 'queue' AND queue = j.value)
    AS has_parked,
  (SELECT min(wake_at) FROM deliveries WHERE wake_at IS NOT NULL) AS delivery_at,
  ${OUTSIDE_TIME} AS outside_time_at,
  ${OUTSIDE_LATE} AS outside_late_at,
  ${FLOW} AS flow_at,
  EXISTS (SELECT 1 FROM tasks INDEXED BY tasks_for_workers WHERE held = 'worker' AND owner > '') AS has_for_workers,
  (SELECT min(wake_at) FROM schedules WHERE wake_at IS NOT NULL) AS schedule_at,
  (SELECT min(wake_at) FROM limits WHERE wake_at IS NOT NULL) AS limit_at,
  (
    SELECT min(expires_at)
    FROM tasks INDEXED BY tasks_expiring
    WHERE expires_at IS NOT NULL AND attempt = 0 AND items IS NULL AND completed_at IS NULL
  ) AS expiry_at,
  EXISTS (SELECT 1 FROM tasks INDEXED BY tasks_held WHERE turn IS NOT NULL AND owner > '') AS has_limited
FROM json_each(?1) AS j`,
);

/** When the clock must look at something of a queue, in ms; null where there is nothing. */
export interface QueueDue {
  queue: QueueName;
  is_paused: 0 | 1;
  /** A task that waits for its time. */
  time_at: number | null;
  /** A task that a worker has. */
  lease_at: number | null;
  /** A task of which a message is in the queue, was, or is lost. */
  message_at: number | null;
  /** Whether tasks are parked, because it is paused or was. */
  has_parked: 0 | 1;
}

/** What is due next. */
export interface NextWake {
  queues: QueueDue[];
  /** A delivery. */
  deliveryAt: number | null;
  /** Of what is in no queue: what waits for its time, … */
  outsideTimeAt: number | null;
  /** … and what a worker or a person has. */
  outsideLateAt: number | null;
  /** Whether tasks wait for workers, which take them without telling the clock. */
  hasForWorkers: boolean;
  /** A schedule. */
  scheduleAt: number | null;
  /** A task of a flow that nothing keeps any more. */
  flowAt: number | null;
  /** A limit: of its rate something is left again, or its pause ends. */
  limitAt: number | null;
  /** A task that is cancelled unless it begins. */
  expiryAt: number | null;
  /** Whether tasks wait for limits, which let them go without telling the clock. */
  hasLimited: boolean;
  /** Bytes of the whole database. */
  databaseBytes: number;
}

/** The same in every row. */
interface Shared {
  delivery_at: number | null;
  outside_time_at: number | null;
  outside_late_at: number | null;
  has_for_workers: 0 | 1;
  schedule_at: number | null;
  limit_at: number | null;
  flow_at: number | null;
  expiry_at: number | null;
  has_limited: 0 | 1;
}

/** The clock's question: what is due, or will be. */
export const createDueStore = (db: D1Database) => ({
  async readNextWake(): Promise<NextWake> {
    const { results, meta } = await db
      .prepare(NEXT_WAKE)
      .bind(JSON.stringify(QUEUES))
      .all<QueueDue & Shared>();
    return {
      queues: results.map(({ queue, is_paused, time_at, lease_at, message_at, has_parked }) => ({
        queue,
        is_paused,
        time_at,
        lease_at,
        message_at,
        has_parked,
      })),
      outsideTimeAt: results[0]?.outside_time_at ?? null,
      outsideLateAt: results[0]?.outside_late_at ?? null,
      scheduleAt: results[0]?.schedule_at ?? null,
      limitAt: results[0]?.limit_at ?? null,
      flowAt: results[0]?.flow_at ?? null,
      expiryAt: results[0]?.expiry_at ?? null,
      hasLimited: results[0]?.has_limited === 1,
      hasForWorkers: results[0]?.has_for_workers === 1,
      deliveryAt: results[0]?.delivery_at ?? null,
      databaseBytes: meta.size_after,
    };
  },
});
