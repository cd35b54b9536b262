import type { schedulesTable } from '../schema/schedules.ts';
import type { Recurrence } from './recurrence.ts';
import type { SubmitRequest } from './submit-request.ts';

/** The row as stored. */
export type Schedule = typeof schedulesTable.$inferSelect;

/** Why a moment was refused, or is tried again, as the table has it. Times are ms. */
export interface StoredScheduleError {
  code: string;
  message: string;
  at: number;
  scheduled_for: number | null;
}

/** Schedules of an owner. */
export const MAX_SCHEDULES = 1_000;

/** Moments that are made up for at a time, and tasks of one backfill. */
export const MAX_MOMENTS = 1_000;

/** When it fires. An interval is counted from its creation. */
export const toRecurrence = ({
  cron,
  timezone,
  every_ms,
  created_at,
}: Pick<Schedule, 'cron' | 'timezone' | 'every_ms' | 'created_at'>): Recurrence =>
  cron === null ? { everyMs: every_ms ?? 1, anchor: created_at } : { cron, timezone };

const PLACEHOLDER = /\{\{\s*scheduled_for\s*\}\}/g;

const fill = (value: unknown, moment: string): unknown => {
  if (typeof value === 'string') return value.replaceAll(PLACEHOLDER, moment);
  if (Array.isArray(value)) return value.map((each) => fill(each, moment));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, fill(each, moment)]));
};

/** The submit for a moment (ms), which `{{scheduled_for}}` stands for in its texts. */
export const toRequest = (task: string, moment: number): SubmitRequest => {
  const request = JSON.parse(task) as SubmitRequest;
  if (!task.includes('scheduled_for')) return request;
  const iso = new Date(moment).toISOString();
  const { title, description, tags, params } = request;
  const filled = fill({ title, description, tags, params }, iso) as Partial<SubmitRequest>;
  return { ...request, ...filled };
};
