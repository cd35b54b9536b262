import type { NewTask, Status } from './types.ts';

/** An interval; several units add up. */
export interface Every {
  days?: number;
  hours?: number;
  minutes?: number;
  seconds?: number;
}

/** When a schedule fires: a cron of five or six fields, or an interval. */
export interface ScheduleTime {
  cron?: string;
  every?: Every;
  /** A name of the IANA database; `UTC` unless given. */
  timezone?: string;
}

/** A schedule to be made. */
export interface NewSchedule extends ScheduleTime {
  /** Unique for an owner; it stands for the id everywhere. */
  name: string;
  /** A submit; `{{scheduled_for}}` in its texts becomes the moment. */
  task: NewTask;
  /** While the task before has not ended; `allow` unless given. */
  overlap?: 'allow' | 'skip' | 'cancel_previous' | 'queue_one';
  /** Of moments that were missed; `latest` unless given. */
  catch_up?: 'none' | 'latest' | 'all';
  catch_up_window_seconds?: number;
}

/** A moment at which a schedule fires. */
export interface ScheduleMoment {
  /** ISO 8601, UTC. */
  at: string;
  /** What the clocks of its zone show. */
  local: string;
}

/** A schedule as the service answers it. */
export interface ScheduleView {
  schedule_id: string;
  name: string;
  status: 'active' | 'paused' | 'ended';
  cron: string | null;
  every: Every | null;
  timezone: string;
  /** When it fires, in words. */
  words: string;
  task: NewTask | null;
  overlap: 'allow' | 'skip' | 'cancel_previous' | 'queue_one';
  catch_up: 'none' | 'latest' | 'all';
  catch_up_window_seconds: number;
  next: ScheduleMoment | null;
  /** A moment that waits for the end of the task before it. */
  queued_for: string | null;
  last_at: string | null;
  paused_at: string | null;
  fired: number;
  skipped: number;
  refused: number;
  last_skipped_at: string | null;
  missed: { from: string; until: string } | null;
  /** Why the last moment was refused, or has to wait. */
  last_error: { code: string; message: string; at: string; scheduled_for: string | null } | null;
  created_at: string;
  updated_at: string;
  created_by_key: string | null;
}

/** A schedule with its newest tasks, the newest first. */
export interface ScheduleDetail extends ScheduleView {
  recent: {
    task_id: string;
    type: string;
    status: Status;
    scheduled_for: string | null;
    submitted_at: string;
    started_at: string | null;
    completed_at: string | null;
  }[];
}

/** What a backfill did, or would do. */
export interface Backfill {
  submitted: number;
  existing: number;
  moments: { at: string; task_id: string | null }[];
}
