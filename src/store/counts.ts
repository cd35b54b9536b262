import { STATUSES, type Status } from '../domain/words.ts';
import { nameStatement } from './statements.ts';

/** Counting stops here: it reads every row. */
const MAX_COUNTED = 10_000;
/** Waiting tasks among which the oldest that is due is looked for. */
const MAX_WAITING = 1_000;

// Each of all owners is found by a seek.
export const ALL_OWNERS = `SELECT min(owner) FROM tasks
  UNION ALL
  SELECT (SELECT min(owner) FROM tasks WHERE owner > owners.owner)
  FROM owners
  WHERE owners.owner IS NOT NULL`;

// COMPLETED is in no index: it is what the others leave of the total. Whatever the others are, that
// many rows more than all of them together tell whether there are `MAX_COUNTED`.
const countByStatusSql = (owners: string): string =>
  nameStatement(
    'counts.by_status',
    `WITH RECURSIVE owners(owner) AS (${owners})
SELECT s.value AS status, (
  SELECT count(*)
  FROM (
    SELECT 1
    FROM owners
    CROSS JOIN tasks INDEXED BY tasks_by_status
      ON tasks.owner = owners.owner AND tasks.status = s.value AND tasks.status <> 'COMPLETED'
    LIMIT ${MAX_COUNTED}
  )
) AS n
FROM json_each(?1) AS s
UNION ALL
SELECT 'all', (
  SELECT count(*)
  FROM (
    SELECT 1
    FROM owners
    CROSS JOIN tasks INDEXED BY tasks_by_type ON tasks.owner = owners.owner
    LIMIT ${MAX_COUNTED * STATUSES.length}
  )
)`,
  );

const OLDEST_WAITING = nameStatement(
  'counts.oldest_waiting',
  `SELECT min(due) AS due
FROM (
  SELECT max(submitted_at, coalesce(scheduled_at, 0)) AS due
  FROM tasks INDEXED BY tasks_by_status
  WHERE owner = ?1 AND status = 'PENDING' AND status <> 'COMPLETED'
  ORDER BY id
  LIMIT ${MAX_WAITING}
)
WHERE due <= ?2`,
);

const HEALTH = nameStatement(
  'counts.health',
  `SELECT
  (SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE wake_at IS NOT NULL LIMIT ${MAX_COUNTED}))
    AS open_deliveries,
  (SELECT json_group_array(name) FROM queues) AS paused_queues`,
);

const TOTALS = nameStatement(
  'counts.totals',
  `SELECT
  (
    SELECT count(*)
    FROM (SELECT 1 FROM deliveries WHERE wake_at IS NOT NULL LIMIT ${MAX_COUNTED})
  ) AS open_deliveries,
  (
    SELECT count(*)
    FROM (
      SELECT 1
      FROM tasks INDEXED BY tasks_held
      WHERE turn IS NOT NULL AND owner > ''
      LIMIT ${MAX_COUNTED}
    )
  ) AS limited`,
);

/** Figures of the table as it is; each bounded in what it reads. */
export const createCounts = (db: D1Database) => {
  const countByStatus = async (
    owners: string,
    ...bound: unknown[]
  ): Promise<Record<Status, number>> => {
    const others = STATUSES.filter((status) => status !== 'COMPLETED');
    const statement = db.prepare(countByStatusSql(owners)).bind(JSON.stringify(others), ...bound);
    const { results } = await statement.all<{ status: string; n: number }>();
    const counted = new Map(results.map(({ status, n }) => [status, n]));
    const all = counted.get('all') ?? 0;
    const rest = others.reduce((left, status) => left - (counted.get(status) ?? 0), all);
    counted.set('COMPLETED', Math.min(MAX_COUNTED, Math.max(0, rest)));
    return Object.fromEntries(
      STATUSES.map((status) => [status, counted.get(status) ?? 0]),
    ) as Record<Status, number>;
  };

  return {
    /** Tasks by status, of each at most `MAX_COUNTED`. */
    countOfOwner: (owner: string): Promise<Record<Status, number>> =>
      countByStatus('VALUES(?2)', owner),
    countOfAll: (): Promise<Record<Status, number>> => countByStatus(ALL_OWNERS),

    /** Since when (ms) the owner's oldest waiting task is due; null when none waits. */
    async findOldestWaiting(owner: string, now: number): Promise<number | null> {
      const statement = db.prepare(OLDEST_WAITING).bind(owner, now);
      return (await statement.first<number | null>('due')) ?? null;
    },

    /** What `/health` tells of the database: one read. */
    async readHealth(): Promise<{
      openDeliveries: number;
      pausedQueues: string[];
      databaseBytes: number;
    }> {
      const { results, meta } = await db
        .prepare(HEALTH)
        .all<{ open_deliveries: number; paused_queues: string }>();
      const [row] = results;
      return {
        openDeliveries: row?.open_deliveries ?? 0,
        pausedQueues: (JSON.parse(row?.paused_queues ?? '[]') as string[]).toSorted(),
        databaseBytes: meta.size_after,
      };
    },

    /** Deliveries that have not ended, tasks that limits hold, and bytes of the whole database. */
    async readTotals(): Promise<{
      openDeliveries: number;
      limited: number;
      databaseBytes: number;
    }> {
      const statement = db.prepare(TOTALS);
      const { results, meta } = await statement.all<{ open_deliveries: number; limited: number }>();
      const { open_deliveries = 0, limited = 0 } = results[0] ?? {};
      return { openDeliveries: open_deliveries, limited, databaseBytes: meta.size_after };
    },
  };
};
