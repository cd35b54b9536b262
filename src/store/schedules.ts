import type { Schedule } from '../domain/schedule.ts';
import { nameStatement, toSqlList } from './statements.ts';
import { FINAL_STATUSES, type Status } from '../domain/words.ts';

// When tasks are submitted by themselves. The clock reads what is due by `schedules_due` alone.

/** A firing looks at so many of the schedule's newest tasks for one that has not ended. */
const MAX_LOOKED_AT = 10;

/** The newest tasks of a schedule, of which some may not have ended, as SQL. */
const newestSql = (schedule: string, columns: string, limit: number | string): string =>
  `SELECT ${columns}
  FROM tasks INDEXED BY tasks_children
  WHERE owner = ${schedule}.owner AND parent_id = ${schedule}.id
  ORDER BY id DESC
  LIMIT ${limit}`;

const IS_FINAL = `status IN ${toSqlList(FINAL_STATUSES)}`;

const LIST_DUE = nameStatement(
  'schedules.list_due',
  `SELECT
  schedules.*,
  keys.revoked_at AS key_revoked_at,
  CASE WHEN overlap = 'allow' THEN '[]' ELSE (
    SELECT json_group_array(json_object('id', id, 'key', idempotency_key))
    FROM (${newestSql('schedules', 'id, idempotency_key, status', MAX_LOOKED_AT)})
    WHERE NOT ${IS_FINAL}
  ) END AS unfinished
FROM schedules INDEXED BY schedules_due
LEFT JOIN keys ON keys.id = schedules.created_by_key
WHERE schedules.wake_at <= ?1
ORDER BY schedules.wake_at
LIMIT ?2`,
);

const valueSql = (name: keyof Move): string => `m.value ->> '${name}'`;

/**
 * Only a schedule that stands where it stood when it was read; the insert of a moment that waited has
 * noted that it waits no more. One whose moment waits for a task that
 * has ended meanwhile is looked at once more: its trigger came too early.
 */
const MOVE = nameStatement(
  'schedules.move',
  `UPDATE schedules
SET next_at = ${valueSql('next')},
  queued_at = ${valueSql('queued')},
  wake_at = CASE
    WHEN ${valueSql('queued')} IS NOT NULL AND NOT EXISTS (
      SELECT 1 FROM (${newestSql('schedules', 'status', MAX_LOOKED_AT)}) WHERE NOT ${IS_FINAL}
    ) THEN ?2
    ELSE ${valueSql('wake')}
  END,
  last_at = max(coalesce(last_at, 0), coalesce(${valueSql('last')}, last_at, 0)),
  fired = fired + ${valueSql('fired')},
  skipped = skipped + ${valueSql('skipped')},
  refused = refused + ${valueSql('refused')},
  last_skipped_at = coalesce(${valueSql('skippedAt')}, last_skipped_at),
  missed_from = coalesce(${valueSql('missedFrom')}, missed_from),
  missed_until = coalesce(${valueSql('missedUntil')}, missed_until),
  last_error = ${valueSql('error')}
FROM json_each(?1) AS m
WHERE schedules.owner = ${valueSql('owner')}
  AND schedules.id = ${valueSql('id')}
  AND schedules.next_at IS ${valueSql('oldNext')}
  AND (schedules.queued_at IS ${valueSql('oldQueued')} OR schedules.queued_at IS NULL)`,
);

const INSERT = nameStatement(
  'schedules.insert',
  `INSERT INTO schedules (
  owner, id, name, cron, timezone, every_ms, overlap, catch_up, catch_up_window_ms,
  next_at, wake_at, paused_at, created_at, updated_at, created_by_key, task
)
SELECT ?1 ->> 'owner', ?1 ->> 'id', ?1 ->> 'name', ?1 ->> 'cron', ?1 ->> 'timezone',
  ?1 ->> 'every_ms', ?1 ->> 'overlap', ?1 ->> 'catch_up', ?1 ->> 'catch_up_window_ms',
  ?1 ->> 'next_at', ?1 ->> 'next_at', ?1 ->> 'paused_at', ?1 ->> 'created_at', ?1 ->> 'created_at',
  ?1 ->> 'created_by_key', ?1 ->> 'task'
WHERE (SELECT count(*) FROM schedules WHERE owner = ?1 ->> 'owner') < ?2
ON CONFLICT (owner, name) DO NOTHING
RETURNING *`,
);

// One with a moment that waits is looked at once more.
const EDIT = nameStatement(
  'schedules.edit',
  `UPDATE schedules
SET name = ?1 ->> 'name',
  cron = ?1 ->> 'cron',
  timezone = ?1 ->> 'timezone',
  every_ms = ?1 ->> 'every_ms',
  overlap = ?1 ->> 'overlap',
  catch_up = ?1 ->> 'catch_up',
  catch_up_window_ms = ?1 ->> 'catch_up_window_ms',
  next_at = ?1 ->> 'next_at',
  wake_at = CASE
    WHEN queued_at IS NOT NULL AND ?1 ->> 'next_at' IS NOT NULL THEN ?1 ->> 'updated_at'
    ELSE ?1 ->> 'next_at'
  END,
  paused_at = ?1 ->> 'paused_at',
  queued_at = CASE WHEN ?1 ->> 'next_at' IS NULL THEN NULL ELSE queued_at END,
  last_error = CASE WHEN ?1 ->> 'next_at' IS NULL THEN last_error END,
  version = version + 1,
  updated_at = ?1 ->> 'updated_at',
  created_by_key = ?1 ->> 'created_by_key',
  task = ?1 ->> 'task'
WHERE owner = ?1 ->> 'owner'
  AND id = ?1 ->> 'id'
  AND version = ?1 ->> 'version'
RETURNING *`,
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

const REMOVE = nameStatement(
  'schedules.remove',
  'DELETE FROM schedules WHERE owner = ?1 AND id = ?2 RETURNING id',
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
    FROM (${newestSql('schedules', 'id, type, status, idempotency_key, submitted_at, started_at, completed_at', '?5')})
  ) AS recent
FROM schedules INDEXED BY schedules_by_name
WHERE owner = ?1
  AND name > ?2
  AND (?3 IS NULL OR id = ?3)
  AND (?6 IS NULL OR (paused_at IS NOT NULL) = ?6)
ORDER BY name
LIMIT ?4`,
);

const PAUSE_OF_KEY = nameStatement(
  'schedules.pause_of_key',
  `UPDATE schedules
SET next_at = NULL, queued_at = NULL, wake_at = NULL, paused_at = ?3, updated_at = ?3,
  version = version + 1
WHERE owner = ?1 AND created_by_key = ?2 AND paused_at IS NULL`,
);

/** A task that has not ended, of a schedule whose overlap matters. */
export interface UnfinishedTask {
  id: string;
  key: string;
}

/** A schedule that the clock must look at. */
export interface DueSchedule extends Schedule {
  /** When the key was revoked that made it. */
  key_revoked_at: number | null;
  /** JSON list of `UnfinishedTask`. */
  unfinished: string;
}

/** Where a schedule goes, and from where: it is left alone if it stands elsewhere by now. Times are ms. */
export interface Move {
  owner: string;
  id: string;
  oldNext: number | null;
  oldQueued: number | null;
  next: number | null;
  queued: number | null;
  wake: number | null;
  last: number | null;
  fired: number;
  skipped: number;
  refused: number;
  skippedAt: number | null;
  missedFrom: number | null;
  missedUntil: number | null;
  /** JSON, see the table. */
  error: string | null;
}

/** A task of a schedule, as its list has it. */
export interface RecentTask {
  id: string;
  type: string;
  status: Status;
  key: string;
  submitted_at: number;
  started_at: number | null;
  completed_at: number | null;
}

/** A schedule with the newest of its tasks. */
export interface ListedSchedule extends Schedule {
  /** JSON list of `RecentTask`, the newest first. */
  recent: string;
}

/** What a person writes of a schedule, and where it stands then. */
export type ScheduleEdit = Pick<
  Schedule,
  | 'owner'
  | 'id'
  | 'name'
  | 'cron'
  | 'timezone'
  | 'every_ms'
  | 'overlap'
  | 'catch_up'
  | 'catch_up_window_ms'
  | 'next_at'
  | 'paused_at'
  | 'created_by_key'
  | 'task'
>;

export const createScheduleStore = (db: D1Database) => {
  const list = async (
    owner: string,
    of: { id?: string; after?: string; limit: number; recent: number; isPaused?: boolean },
  ): Promise<ListedSchedule[]> => {
    const { id = null, after = '', limit, recent, isPaused } = of;
    const paused = isPaused === undefined ? null : Number(isPaused);
    const statement = db.prepare(LIST).bind(owner, after, id, limit, recent, paused);
    return (await statement.all<ListedSchedule>()).results;
  };

  return {
    /** At most `limit` whose moment has come at `now` (ms), the one that waits longest first. */
    listDue: async (now: number, limit: number): Promise<DueSchedule[]> =>
      (await db.prepare(LIST_DUE).bind(now, limit).all<DueSchedule>()).results,

    /** Moves schedules on, each only if it stands where it stood. */
    async move(moves: readonly Move[], now: number): Promise<void> {
      await db.prepare(MOVE).bind(JSON.stringify(moves), now).run();
    },

    /** Null when its name is taken, or the owner has `most` already. */
    insert: (schedule: ScheduleEdit & { created_at: number }, most: number) =>
      db.prepare(INSERT).bind(JSON.stringify(schedule), most).first<Schedule>(),

    /**
     * Null when it was changed or deleted meanwhile. Throws for a name that is taken.
     */
    edit: (edit: ScheduleEdit & { version: number; updated_at: number }) =>
      db.prepare(EDIT).bind(JSON.stringify(edit)).first<Schedule>(),

    /** By its id or its name. */
    find: (owner: string, idOrName: string) =>
      db.prepare(FIND).bind(owner, idOrName).first<Schedule>(),

    /** False where there is none. */
    remove: async (owner: string, id: string): Promise<boolean> =>
      (await db.prepare(REMOVE).bind(owner, id).first()) !== null,

    /** The ids of tasks by their keys. */
    async findTasks(owner: string, keys: readonly string[]): Promise<Map<string, string>> {
      const statement = db.prepare(FIND_TASKS).bind(owner, JSON.stringify(keys));
      return new Map(await statement.raw<[string, string]>());
    },

    /** By name. `recent`: how many of each one's newest tasks. */
    list,

    /** Pauses what a key has planted; returns how many that were. */
    async pauseOfKey(owner: string, keyId: string, now: number): Promise<number> {
      return (await db.prepare(PAUSE_OF_KEY).bind(owner, keyId, now).run()).meta.changes;
    },
  };
};

export type ScheduleStore = ReturnType<typeof createScheduleStore>;
