import { ROUTES } from '../domain/routing.ts';
import { nameStatement } from './statements.ts';

const earliestSql = (held: string): string =>
  `(
    SELECT min(wake_at)
    FROM tasks INDEXED BY tasks_due
    WHERE held ${held} AND queue = j.value AND wake_at IS NOT NULL
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
  ${earliestSql(`= 'person'`)} AS person_at,
  EXISTS (SELECT 1 FROM tasks INDEXED BY tasks_due WHERE held = 'queue' AND queue = j.value)
    AS has_parked,
  (SELECT min(wake_at) FROM deliveries WHERE wake_at IS NOT NULL) AS delivery_at
FROM json_each(?1) AS j`,
);

/** When the clock must look at something of a queue, in ms; null where there is nothing. */
export interface QueueDue {
  queue: (typeof ROUTES)[number];
  is_paused: 0 | 1;
  /** A task that waits for its time. */
  time_at: number | null;
  /** A task that a worker has. */
  lease_at: number | null;
  /** A task that a person should have ended by then. */
  person_at: number | null;
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
  /** Bytes of the whole database. */
  databaseBytes: number;
}

/** The clock's question: what is due, or will be. */
export const createDueStore = (db: D1Database) => ({
  async readNextWake(): Promise<NextWake> {
    const { results, meta } = await db
      .prepare(NEXT_WAKE)
      .bind(JSON.stringify(ROUTES))
      .all<QueueDue & { delivery_at: number | null }>();
    return {
      queues: results,
      deliveryAt: results[0]?.delivery_at ?? null,
      databaseBytes: meta.size_after,
    };
  },
});
