import type { Schedule } from '../domain/schedule.ts';
import type { DueSchedule, ListedSchedule } from '../domain/schedule-rows.ts';
import { FINAL_STATUSES } from '../domain/words.ts';
import { nameStatement, toSqlList } from './statements.ts';

// What the clock and people read of schedules. What is due is found by `schedules_due` alone.

/** A firing looks at so many of the schedule's newest tasks for one that has not ended. */
const MAX_LOOKED_AT = 10;

/** The newest tasks of a schedule, of which some may not have ended, as SQL. */
export const newestTasksSql = (columns: string, limit: number | string = MAX_LOOKED_AT): string =>
  `SELECT ${columns}
  FROM tasks INDEXED BY tasks_children
  WHERE owner = schedules.owner AND parent_id = schedules.id
  ORDER BY id DESC
  LIMIT ${limit}`;

export const IS_FINAL = `status IN ${toSqlList(FINAL_STATUSES)}`;

const LIST_DUE = nameStatement(
  'schedules.list_due',
  `SELECT
  schedules.*,
  keys.revoked_at AS key_revoked_at,
  CASE WHEN overlap = 'allow' THEN '[]' ELSE (
    SELECT json_group_array(json_object('id', id, 'key', idempotency_key))
    FROM (${newestTasksSql('id, idempotency_key, status')})
    WHERE NOT ${IS_FINAL}
  ) END AS unfinished
FROM schedules INDEXED BY schedules_due
LEFT JOIN keys ON keys.id = schedules.created_by_key
WHERE schedules.wake_at <= ?1
ORDER BY schedules.wake_at
LIMIT ?2`,
);

const FIND = nameStatement(
  'schedules.find',
  `SELECT * FROM schedules WHERE owner = ?1 AND id = ?2
UNION ALL
SELECT * FROM schedules INDEXED BY schedules_by_name WHERE owner = ?1 AND name = ?2
LIMIT 1`,
);

const FIND_TASKS = nameStatement(
  'schedules.find_tasks',
  `SELECT tasks.idempotency_key, tasks.id
FROM json_each(?2) AS k
CROSS JOIN tasks INDEXED BY tasks_idempotency
  ON tasks.owner = ?1 AND tasks.idempotency_key = k.value AND tasks.idempotency_key IS NOT NULL`,
);

const LIST = nameStatement(
  'schedules.list',
  `SELECT schedules.*, (
    SELECT json_group_array(json_object(
      'id', id,
      'type', type,
      'status', status,
      'key', idempotency_key,
      'submitted_at', submitted_at,
      'started_at', started_at,
      'completed_at', completed_at
    ))
    FROM (${newestTasksSql('id, type, status, idempotency_key, submitted_at, started_at, completed_at', '?5')})
  ) AS recent
FROM schedules INDEXED BY schedules_by_name
WHERE owner = ?1
  AND name > ?2
  AND (?3 IS NULL OR id = ?3)
  AND (?6 IS NULL OR (paused_at IS NOT NULL) = ?6)
ORDER BY name
LIMIT ?4`,
);

/** Reading schedules, and the tasks that they made. */
export const createScheduleReads = (db: D1Database) => ({
  /** At most `limit` whose moment has come at `now` (ms), the one that waits longest first. */
  listDue: async (now: number, limit: number): Promise<DueSchedule[]> =>
    (await db.prepare(LIST_DUE).bind(now, limit).all<DueSchedule>()).results,

  /** By its id or its name. */
  find: (owner: string, idOrName: string) =>
    db.prepare(FIND).bind(owner, idOrName).first<Schedule>(),

  /** The ids of tasks by their keys. */
  async findTasks(owner: string, keys: readonly string[]): Promise<Map<string, string>> {
    const statement = db.prepare(FIND_TASKS).bind(owner, JSON.stringify(keys));
    return new Map(await statement.raw<[string, string]>());
  },

  /** By name. `recent`: how many of each one's newest tasks. */
  async list(
    owner: string,
    of: { id?: string; after?: string; limit: number; recent: number; isPaused?: boolean },
  ): Promise<ListedSchedule[]> {
    const { id = null, after = '', limit, recent, isPaused } = of;
    const paused = isPaused === undefined ? null : Number(isPaused);
    const statement = db.prepare(LIST).bind(owner, after, id, limit, recent, paused);
    return (await statement.all<ListedSchedule>()).results;
  },
});
