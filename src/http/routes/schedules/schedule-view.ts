import * as z from 'zod';
import { hasScope } from '../../../domain/api-key.ts';
import { describeRecurrence } from '../../../domain/describe-recurrence.ts';
import { toRecurrence, type Schedule, type StoredScheduleError } from '../../../domain/schedule.ts';
import { readScheduleKey } from '../../../domain/schedule-key.ts';
import { formatLocal } from '../../../domain/time-zone.ts';
import { CATCH_UPS, OVERLAPS, STATUSES } from '../../../domain/words.ts';
import type { RecentTask } from '../../../domain/schedule-rows.ts';
import type { AppContext } from '../../context.ts';
import { anyJson, time, timeOrNull, toIso, toIsoOrNull, whole } from '../../fields.ts';
import { everySchema, toEvery } from './schedule-schema.ts';

const local = z.string().meta({ description: 'What the clocks of its zone show' });

/** A moment at which a schedule fires. */
export const momentSchema = z.strictObject({ at: time, local });

export const toMomentView = (at: number, zone: string) => ({
  at: toIso(at),
  local: formatLocal(at, zone),
});

const errorSchema = z.strictObject({
  code: z.string(),
  message: z.string(),
  at: time,
  scheduled_for: timeOrNull,
});

const recentSchema = z.strictObject({
  task_id: z.uuid(),
  type: z.string(),
  status: z.enum(STATUSES),
  scheduled_for: timeOrNull.meta({ description: 'Null for one that somebody asked for' }),
  submitted_at: time,
  started_at: timeOrNull,
  completed_at: timeOrNull,
});

const fields = {
  schedule_id: z.uuid(),
  name: z.string(),
  status: z.enum(['active', 'paused', 'ended']),
  cron: z.string().nullable(),
  every: everySchema.nullable(),
  timezone: z.string(),
  words: z.string().meta({ description: 'When it fires, in words' }),
  task: anyJson.meta({ description: 'The body of a submit; null for a key that may not read it' }),
  overlap: z.enum(OVERLAPS),
  catch_up: z.enum(CATCH_UPS),
  catch_up_window_seconds: whole,
  next: momentSchema.nullable().meta({ description: 'The next moment; null while it is paused' }),
  queued_for: timeOrNull.meta({
    description: 'A moment that waits for the end of the task before it',
  }),
  last_at: timeOrNull.meta({ description: 'The newest moment that was handled' }),
  paused_at: timeOrNull,
  fired: whole.meta({ description: 'Moments that made a task' }),
  skipped: whole.meta({ description: 'Moments that made none because of `overlap`' }),
  refused: whole.meta({ description: 'Moments whose task was refused' }),
  last_skipped_at: timeOrNull,
  missed: z.strictObject({ from: time, until: time }).nullable().meta({
    description: 'The moments that were missed last, and not made up for: before `until`',
  }),
  last_error: errorSchema
    .nullable()
    .meta({ description: 'Why the last moment was refused, or has to wait; null once one is not' }),
  created_at: time,
  updated_at: time,
  created_by_key: z.uuid().nullable().meta({ description: 'The key that wrote it last' }),
};

export const scheduleSchema = z.strictObject(fields).meta({ id: 'Schedule' });
export const scheduleDetailSchema = z
  .strictObject({
    ...fields,
    recent: z.array(recentSchema).meta({ description: 'Its newest tasks, the newest first' }),
  })
  .meta({ id: 'ScheduleDetail' });

const toStatus = ({ paused_at, next_at }: Schedule): 'active' | 'paused' | 'ended' =>
  paused_at !== null ? 'paused' : next_at === null ? 'ended' : 'active';

const toErrorView = (text: string) => {
  const { at, scheduled_for, ...error } = JSON.parse(text) as StoredScheduleError;
  return { ...error, at: toIso(at), scheduled_for: toIsoOrNull(scheduled_for) };
};

/** A schedule as answers have it. */
export const toScheduleView = (c: AppContext, row: Schedule) => ({
  schedule_id: row.id,
  name: row.name,
  status: toStatus(row),
  cron: row.cron,
  every: row.every_ms === null ? null : toEvery(row.every_ms),
  timezone: row.timezone,
  words: describeRecurrence(toRecurrence(row)),
  task: hasScope(c.get('identity').scopes, 'tasks:read') ? (JSON.parse(row.task) as unknown) : null,
  overlap: row.overlap,
  catch_up: row.catch_up,
  catch_up_window_seconds: Math.round(row.catch_up_window_ms / 1_000),
  next: row.next_at === null ? null : toMomentView(row.next_at, row.timezone),
  queued_for: toIsoOrNull(row.queued_at),
  last_at: toIsoOrNull(row.last_at === 0 ? null : row.last_at),
  paused_at: toIsoOrNull(row.paused_at),
  fired: row.fired,
  skipped: row.skipped,
  refused: row.refused,
  last_skipped_at: toIsoOrNull(row.last_skipped_at),
  missed:
    row.missed_from === null || row.missed_until === null
      ? null
      : { from: toIso(row.missed_from), until: toIso(row.missed_until) },
  last_error: row.last_error === null ? null : toErrorView(row.last_error),
  created_at: toIso(row.created_at),
  updated_at: toIso(row.updated_at),
  created_by_key: row.created_by_key,
});

/** @param recent JSON list of `RecentTask` */
export const toRecentView = (recent: string) =>
  (JSON.parse(recent) as RecentTask[]).map((task) => ({
    task_id: task.id,
    type: task.type,
    status: task.status,
    scheduled_for: toIsoOrNull(readScheduleKey(task.key)?.scheduledFor ?? null),
    submitted_at: toIso(task.submitted_at),
    started_at: toIsoOrNull(task.started_at),
    completed_at: toIsoOrNull(task.completed_at),
  }));
