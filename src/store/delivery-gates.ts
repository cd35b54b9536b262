import type { DeliveryGate } from '../domain/delivery-gate.ts';
import { nameStatement } from './statements.ts';

const GET = nameStatement(
  'delivery_gates.get',
  `SELECT delivery_gates.*
FROM json_each(?1) AS n
JOIN delivery_gates ON delivery_gates.name = n.value`,
);

// `sent` is added to, for others may send at the same time, and a minute that has begun for one has
// begun for all: clocks differ a little.
const RESERVE = nameStatement(
  'delivery_gates.reserve',
  `INSERT INTO delivery_gates (name, minute, sent, allowance)
SELECT value ->> 'name', value ->> 'minute', value ->> 'count', value ->> 'allowance'
FROM json_each(?1)
WHERE true
ON CONFLICT (name) DO UPDATE
SET sent = CASE WHEN minute >= excluded.minute THEN sent + excluded.sent ELSE excluded.sent END,
  allowance = CASE WHEN minute > excluded.minute THEN allowance ELSE excluded.allowance END,
  minute = max(minute, excluded.minute)`,
);

const SETTLE = nameStatement(
  'delivery_gates.settle',
  `UPDATE delivery_gates
SET failures = g.value ->> 'failures',
  closed_until = g.value ->> 'closed_until',
  allowance = g.value ->> 'allowance'
FROM json_each(?1) AS g
WHERE delivery_gates.name = g.value ->> 'name'`,
);

// The one that moves it has the turn; everybody else hears when the next one is.
const TAKE_TURN = nameStatement(
  'delivery_gates.take_turn',
  `INSERT INTO delivery_gates (name, closed_until, allowance)
VALUES (?1, ?2 + ?3, 1)
ON CONFLICT (name) DO UPDATE SET closed_until = excluded.closed_until
WHERE closed_until <= ?2
RETURNING closed_until`,
);

const GET_TURN = nameStatement(
  'delivery_gates.get_turn',
  'SELECT closed_until FROM delivery_gates WHERE name = ?1',
);

const GIVE_TURN_BACK = nameStatement(
  'delivery_gates.give_turn_back',
  'UPDATE delivery_gates SET closed_until = ?2 WHERE name = ?1',
);

/** A gate, and how many deliveries pass it now. */
export type Reservation = Pick<DeliveryGate, 'name' | 'minute' | 'allowance'> & { count: number };

/** The gates of deliveries: breakers and budgets of hosts and owners. */
export const createDeliveryGateStore = (db: D1Database) => ({
  /** Those of these names that there are. */
  async getMany(names: readonly string[]): Promise<DeliveryGate[]> {
    if (names.length === 0) return [];
    return (await db.prepare(GET).bind(JSON.stringify(names)).all<DeliveryGate>()).results;
  },

  /** Counts tries in before they are made. */
  async reserve(reservations: readonly Reservation[]): Promise<void> {
    if (reservations.length > 0) await db.prepare(RESERVE).bind(JSON.stringify(reservations)).run();
  },

  /** Writes how tries went. */
  async settle(gates: readonly DeliveryGate[]): Promise<void> {
    if (gates.length > 0) await db.prepare(SETTLE).bind(JSON.stringify(gates)).run();
  },

  /** Takes the turn of something that happens once in `everyMs`; else when the next turn is (ms). */
  async takeTurn(name: string, now: number, everyMs: number): Promise<{ nextAt: number } | null> {
    const taken = await db.prepare(TAKE_TURN).bind(name, now, everyMs).first();
    if (taken) return null;
    const nextAt = await db.prepare(GET_TURN).bind(name).first<number>('closed_until');
    return { nextAt: nextAt ?? now };
  },

  /** The turn was of no use: the next one is at `at`. */
  async giveTurnBack(name: string, at: number): Promise<void> {
    await db.prepare(GIVE_TURN_BACK).bind(name, at).run();
  },
});

export type DeliveryGateStore = ReturnType<typeof createDeliveryGateStore>;
