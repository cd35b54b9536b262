import type { Delivery, DeliveryKey, DeliveryState } from '../domain/delivery.ts';

/** What became of a try: ended, or open again until `due_at`. */
export interface Settlement extends DeliveryKey {
  tries: number;
  state: DeliveryState;
  due_at: number;
  wake_at: number | null;
  ended_at: number | null;
  last_error: string | null;
}

/** Exclusive time of one try: the request's 10 s, several at a time, and the writes around them. */
const TRY_LEASE_MS = 60_000;
/** A queue's delays are whole seconds and its clock is not ours. */
const TOLERANCE_MS = 1_000;

const BY_KEY = `deliveries.owner = k.value ->> 'owner' AND deliveries.task_id = k.value ->> 'task_id'
  AND deliveries.version = k.value ->> 'version' AND deliveries.sink = k.value ->> 'sink' AND deliveries.state = 'OPEN'`;

const CLAIM = `UPDATE deliveries SET tries = tries + 1, due_at = ?1 + ${TRY_LEASE_MS}, wake_at = ?1 + ${TRY_LEASE_MS}
FROM json_each(?2) AS k WHERE ${BY_KEY} AND deliveries.due_at <= ?1 + ${TOLERANCE_MS} RETURNING *`;

const SETTLE = `UPDATE deliveries SET state = k.value ->> 'state', due_at = k.value ->> 'due_at',
  wake_at = k.value ->> 'wake_at', ended_at = k.value ->> 'ended_at', last_error = k.value ->> 'last_error'
FROM json_each(?1) AS k WHERE ${BY_KEY} AND deliveries.tries = k.value ->> 'tries'`;

/** Statement of the sweep: what is due a look, to be handed to the delivery queue again. ?1 is now, ?2 a limit. */
export const LOOK_AT_DELIVERIES = `UPDATE deliveries SET wake_at = ?1 + ${TRY_LEASE_MS}
WHERE (owner, task_id, version, sink) IN (
  SELECT owner, task_id, version, sink FROM deliveries WHERE wake_at <= ?1 ORDER BY wake_at LIMIT ?2) AND state = 'OPEN'
RETURNING owner, task_id, version, sink`;

/** Statement of a delete: what would be given up with the tasks that a subquery names. */
export const openDeliveriesSql = (tasks: string): string =>
  `SELECT owner, task_id, version, sink FROM deliveries WHERE state = 'OPEN' AND owner = ?1 AND task_id IN (${tasks})`;

/** Notifications that are owed. They are written by the triggers of the migration; here they are tried and settled. */
export const createDeliveryStore = (db: D1Database) => ({
  /** Takes those of `keys` that are open and due, one try more each. */
  async claim(keys: readonly DeliveryKey[], now: number): Promise<Delivery[]> {
    return (await db.prepare(CLAIM).bind(now, JSON.stringify(keys)).all<Delivery>()).results;
  },

  /** Writes what became of tries, fenced on the try. */
  async settle(settlements: readonly Settlement[]): Promise<void> {
    await db.prepare(SETTLE).bind(JSON.stringify(settlements)).run();
  },

  /** All deliveries of a task, oldest first. */
  async listOf(owner: string, taskId: string): Promise<Delivery[]> {
    const statement =
      'SELECT * FROM deliveries WHERE owner = ? AND task_id = ? ORDER BY version, sink LIMIT 300';
    return (await db.prepare(statement).bind(owner, taskId).all<Delivery>()).results;
  },
});

export type DeliveryStore = ReturnType<typeof createDeliveryStore>;
