import { nameStatement } from './statements.ts';

const EARLIEST = (['NEW', 'PENDING', 'IN_PROGRESS'] as const).map(
  (status) =>
    `(SELECT min(wake_at) FROM tasks WHERE status = '${status}' AND wake_at IS NOT NULL) AS ${status}`,
);

const NEXT_WAKE = nameStatement(
  'sweep.next_wake',
  `SELECT
  ${EARLIEST.join(',\n  ')},
  (SELECT min(wake_at) FROM deliveries WHERE wake_at IS NOT NULL) AS DELIVERY,
  EXISTS (SELECT 1 FROM tasks WHERE status = 'PENDING' AND wake_at IS NULL AND queue > '') AS PARKED`,
);

const WAITING = nameStatement(
  'sweep.waiting',
  `SELECT count(*) AS waiting
FROM (
  SELECT 1
  FROM tasks
  WHERE status = 'PENDING' AND wake_at IS NOT NULL AND queue = ?1
  LIMIT ?2
)`,
);

/**
 * The earliest `wake_at` by status and of deliveries, in ms, null where no row has one; and whether
 * (1) or not (0) any task is parked.
 */
export type NextWake = Record<'NEW' | 'PENDING' | 'IN_PROGRESS' | 'DELIVERY', number | null> & {
  PARKED: number;
};

/** The clock's questions about rows that are due, or will be. */
export const createDueStore = (db: D1Database) => ({
  async readNextWake(): Promise<NextWake> {
    const row = await db.prepare(NEXT_WAKE).first<NextWake>();
    return row ?? { NEW: null, PENDING: null, IN_PROGRESS: null, DELIVERY: null, PARKED: 0 };
  },

  /** How many PENDING tasks of a queue the clock knows of; stops counting at `most`. */
  async countWaiting(queue: string, most: number): Promise<number> {
    return (await db.prepare(WAITING).bind(queue, most).first<number>('waiting')) ?? 0;
  },
});
