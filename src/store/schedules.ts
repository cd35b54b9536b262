import type { Schedule } from '../domain/schedule.ts';
import type { Move, ScheduleEdit } from '../domain/schedule-rows.ts';
import { createScheduleReads, IS_FINAL, newestTasksSql } from './schedule-reads.ts';
import { nameStatement } from './statements.ts';

// When tasks are submitted by themselves. The clock reads what is due by `schedules_due` alone.

const valueSql = (name: keyof Move): string => `m.value ->> '${name}'`;

/**
 * Only a schedule that stands where it stood when it was read; the insert of a moment that waited has
 * noted that it waits no more. One whose moment waits for a task that has ended meanwhile is looked at
 * once more: its trigger came too early.
 */
const MOVE = nameStatement(
  'schedules.move',
  `UPDATE schedules
SET next_at = ${valueSql('next')},
  queued_at = ${valueSql('queued')},
  wake_at = CASE
    WHEN ${valueSql('waits')} = 1 AND NOT EXISTS (
      SELECT 1 FROM (${newestTasksSql('status')}) WHERE NOT ${IS_FINAL}
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

const REMOVE = nameStatement(
  'schedules.remove',
  'DELETE FROM schedules WHERE owner = ?1 AND id = ?2 RETURNING id',
);

export const createScheduleStore = (db: D1Database) => ({
  ...createScheduleReads(db),

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

  /** False where there is none. */
  remove: async (owner: string, id: string): Promise<boolean> =>
    (await db.prepare(REMOVE).bind(owner, id).first()) !== null,
});

export type ScheduleStore = ReturnType<typeof createScheduleStore>;
