import { env } from 'cloudflare:workers';
import { v7 as uuidv7 } from 'uuid';
import type { Schedule } from '../../src/domain/schedule.ts';
import { createScheduleStore } from '../../src/store/schedules.ts';
import type { ScheduleEdit } from '../../src/domain/schedule-rows.ts';
import { toMomentKey } from '../../src/domain/schedule-key.ts';
import { aTask, OWNER } from './rows.ts';

export const schedules = createScheduleStore(env.DB);

/** A schedule of each ten seconds from `created_at` on, with whatever the test wants otherwise. */
export const aSchedule = (more: Partial<ScheduleEdit & { created_at: number }> = {}) => {
  const created_at = more.created_at ?? 1_900_000_000_000;
  const id = uuidv7();
  return {
    owner: OWNER,
    id,
    name: id.slice(-12),
    cron: null,
    timezone: 'UTC',
    every_ms: 10_000,
    overlap: 'allow' as const,
    catch_up: 'latest' as const,
    catch_up_window_ms: 86_400_000,
    next_at: created_at + 10_000,
    paused_at: null,
    created_at,
    created_by_key: null,
    task: JSON.stringify({ type: 'sum', params: { a: 1, b: 2 }, priority: 'MEDIUM' }),
    ...more,
  };
};

export const storeSchedule = async (
  more: Parameters<typeof aSchedule>[0] = {},
): Promise<Schedule> => {
  const row = await schedules.insert(aSchedule(more), 10_000);
  if (!row) throw new Error('The schedule was not stored');
  return row;
};

export const scheduleOf = async (id: string, owner = OWNER): Promise<Schedule> => {
  const row = await schedules.find(owner, id);
  if (!row) throw new Error(`No schedule ${id}`);
  return row;
};

/** The task of a moment (ms). */
export const aMoment = (id: string, moment: number) =>
  aTask({ parentId: id, idempotencyKey: toMomentKey(id, moment) });

export const endTask = (id: string, at: number) =>
  env.DB.prepare(
    `UPDATE tasks SET status = 'CANCELLED', held = NULL, wake_at = NULL, completed_at = ? WHERE id = ?`,
  )
    .bind(at, id)
    .run();
