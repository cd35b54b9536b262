import type { Schedule } from './schedule.ts';
import type { Status } from './words.ts';

// What is read of schedules and their tasks at once, and what is written.

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
  /** 1: `queued` waits for a task; should that have ended meanwhile, it is due at once. */
  waits: 0 | 1;
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
