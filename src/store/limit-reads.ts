import type { Limit } from '../domain/limit.ts';
import type { LimitWait } from '../domain/limit-wait.ts';
import type { Task } from '../domain/task.ts';
import { LIMIT_COLUMNS } from './limits.ts';
import { limitTokensSql } from './rate-sql.ts';
import { nameStatement } from './statements.ts';

// How limits stand, for people.

/** Counting stops here, for it reads every row; … */
const MAX_COUNTED = 10_000;
/** … and here in a list. */
const MAX_LISTED = 1_000;
/** Sub-keys that are told. */
const MAX_TOLD = 10;
/** Ends that the pace is measured by, and for how long (ms). */
const MAX_ENDS = 200;
const PACE_MS = 600_000;
/** Types whose ends are looked at. */
const MAX_TYPES = 3;
/** Tasks that are looked at for their types. */
const MAX_LOOKED_AT = 50;

const toHeldSql = (condition: string): string =>
  `tasks INDEXED BY tasks_held
    WHERE owner = l.owner AND limit_key = l.key AND turn IS NOT NULL ${condition}`;
const SLOTS = `tasks INDEXED BY tasks_slots
    WHERE owner = l.owner AND limit_key = l.key AND slot IS NOT NULL`;
const countSql = (rows: string, most = MAX_COUNTED): string =>
  `(SELECT count(*) FROM (SELECT 1 FROM ${rows} LIMIT ${most}))`;

// By the ends of the newest tasks of the types that run: those before what still runs have ended. So
// many are read, whatever they are. Per second; a key and its type are mostly one.
const PACE = `(
    SELECT sum((
      SELECT CASE
        WHEN count(*) > 1 AND max(completed_at) > min(completed_at)
        THEN (count(*) - 1) * 1000.0 / (max(completed_at) - min(completed_at))
      END
      FROM (
        SELECT limit_key, completed_at
        FROM tasks INDEXED BY tasks_by_type
        WHERE owner = ?1 AND type = running.type AND id < running.before
        ORDER BY id DESC
        LIMIT ${MAX_ENDS}
      )
      WHERE limit_key = ?2 AND completed_at > ?3 - ${PACE_MS}
    ))
    FROM (
      SELECT type, min(id) AS before
      FROM (SELECT type, id FROM ${SLOTS} LIMIT ${MAX_LOOKED_AT})
      GROUP BY type
      LIMIT ${MAX_TYPES}
    ) AS running
  )`;

const OWN = LIMIT_COLUMNS.map((column) => `l.${column}`).join(', ');
const viewSql = (most: number): string => `${OWN},
  ${limitTokensSql} AS tokens_now,
  ${countSql(SLOTS)} AS running,
  ${countSql(toHeldSql(''), most)} AS waiting`;

const LIST = nameStatement(
  'limits.list',
  `SELECT ${viewSql(MAX_LISTED)}
FROM limits AS l
WHERE l.owner = ?1 AND l.key > ?2
ORDER BY l.key
LIMIT ?4`,
);

const GET = nameStatement(
  'limits.get',
  `SELECT ${viewSql(MAX_COUNTED)},
  ${PACE} AS pace,
  (
    SELECT json_group_array(json_object('sub_key', sub_key, 'waiting', waiting, 'running', (
      SELECT count(*) FROM ${SLOTS} AND sub_key = top.sub_key
    )))
    FROM (
      SELECT sub_key, count(*) AS waiting
      FROM (SELECT sub_key FROM ${toHeldSql("AND sub_key > ''")} LIMIT ${MAX_COUNTED})
      GROUP BY sub_key
      ORDER BY waiting DESC, sub_key
      LIMIT ${MAX_TOLD}
    ) AS top
  ) AS top_waiting
FROM limits AS l
WHERE l.owner = ?1 AND l.key = ?2`,
);

// Sub-keys take turns: before the n-th task of one, n of each other one come at most.
const GET_WAIT = nameStatement(
  'limits.get_wait',
  `WITH mine AS MATERIALIZED (
  SELECT count(*) AS n
  FROM (
    SELECT 1
    FROM tasks INDEXED BY tasks_held
    WHERE owner = ?1 AND limit_key = ?2 AND turn IS NOT NULL AND sub_key = ?4 AND turn < ?5
    LIMIT ${MAX_COUNTED}
  )
)
SELECT ${OWN},
  ${limitTokensSql} AS tokens_now,
  ${countSql(SLOTS)} AS running,
  ${countSql(`${SLOTS} AND sub_key = ?4`)} AS sub_running,
  (SELECT n FROM mine) AS before,
  (
    SELECT coalesce(sum(min(theirs.n, 1 + mine.n)), 0)
    FROM mine
    CROSS JOIN (
      SELECT count(*) AS n
      FROM (SELECT sub_key FROM ${toHeldSql('AND sub_key <> ?4')} LIMIT ${MAX_COUNTED})
      GROUP BY sub_key
    ) AS theirs
  ) AS others,
  ${PACE} AS pace
FROM limits AS l
WHERE l.owner = ?1 AND l.key = ?2`,
);

/** A limit, and how it stands. */
export interface LimitState extends Limit {
  /** What is left of the rate; null without one. */
  tokens_now: number | null;
  running: number;
  /** At most 10 000 are counted, 1 000 in a list. */
  waiting: number;
}

/** The same with what takes longer to find. */
export interface LimitFigures extends LimitState {
  /** Tasks that begin in a second, lately; null where that is not known. */
  pace: number | null;
  /** Sub-keys with the most that wait, as a JSON list. */
  top_waiting: string;
}

export const createLimitReads = (db: D1Database) => ({
  /** By key, those after one. */
  async list(owner: string, after: string, limit: number, now: number): Promise<LimitState[]> {
    return (await db.prepare(LIST).bind(owner, after, now, limit).all<LimitState>()).results;
  },

  get: (owner: string, key: string, now: number) =>
    db.prepare(GET).bind(owner, key, now).first<LimitFigures>(),

  /** How the limit stands that holds a task; null where it was deleted. */
  getWait: (
    { owner, limit_key, sub_key, turn }: Pick<Task, 'owner' | 'limit_key' | 'sub_key' | 'turn'>,
    now: number,
  ) => db.prepare(GET_WAIT).bind(owner, limit_key, now, sub_key, turn).first<LimitWait>(),
});
