import type { SendJson } from './request.ts';
import type {
  Backfill,
  NewSchedule,
  ScheduleTime,
  ScheduleView,
  ScheduleDetail,
  ScheduleMoment,
} from './schedule-types.ts';
import type { TaskView } from './types.ts';

interface Page {
  schedules: ScheduleDetail[];
  pagination: { next_cursor: string | null };
}

/** A name may stand for the id. */
const schedulePath = (idOrName: string, rest = ''): string =>
  `/schedules/${encodeURIComponent(idOrName)}${rest}`;

/** What creates schedules, and looks after them. */
export const createScheduleCalls = (json: SendJson) => ({
  create: (schedule: NewSchedule): Promise<ScheduleView> =>
    json('/schedules', { method: 'POST', json: schedule }),

  /** With its 30 newest tasks. */
  get: (idOrName: string): Promise<ScheduleDetail> => json(schedulePath(idOrName)),

  /** All, by name. `recent`: how many of each one's newest tasks; 1 unless given. */
  async *list({
    status,
    recent = 1,
  }: { status?: 'active' | 'paused'; recent?: number } = {}): AsyncGenerator<ScheduleDetail> {
    const query = new URLSearchParams({ recent: String(recent), ...(status && { status }) });
    for (let cursor: string | null = ''; cursor !== null;) {
      if (cursor !== '') query.set('cursor', cursor);
      const page: Page = await json(`/schedules?${query.toString()}`);
      yield* page.schedules;
      cursor = page.pagination.next_cursor;
    }
  },

  /** What is left out stays; `task` is replaced as a whole. */
  update: (idOrName: string, change: Partial<NewSchedule>): Promise<ScheduleView> =>
    json(schedulePath(idOrName), { method: 'PATCH', json: change, isRepeatable: true }),

  /** Deletes it; its tasks stay. */
  delete: (idOrName: string): Promise<void> => json(schedulePath(idOrName), { method: 'DELETE' }),

  /** Lets it fire no more; moments that pass meanwhile are not made up for. */
  pause: (idOrName: string): Promise<ScheduleView> =>
    json(schedulePath(idOrName, '/pause'), { method: 'POST', isRepeatable: true }),

  resume: (idOrName: string): Promise<ScheduleView> =>
    json(schedulePath(idOrName, '/resume'), { method: 'POST', isRepeatable: true }),

  /** Submits its task now, whatever `overlap` says. */
  trigger: (
    idOrName: string,
    { idempotencyKey = crypto.randomUUID() }: { idempotencyKey?: string } = {},
  ): Promise<TaskView> =>
    json(schedulePath(idOrName, '/trigger'), {
      method: 'POST',
      headers: { 'Idempotency-Key': idempotencyKey },
      isRepeatable: true,
    }),

  /** When it fires next. */
  next: (
    idOrName: string,
    { count = 10 }: { count?: number } = {},
  ): Promise<{ words: string; next: ScheduleMoment[] }> =>
    json(schedulePath(idOrName, `/next?count=${count}`)),

  /**
   * Submits tasks for moments that are past and have none; `to` is now unless given. `dryRun` only
   * tells which they are.
   */
  backfill: (
    idOrName: string,
    { from, to, dryRun = false }: { from: Date; to?: Date; dryRun?: boolean },
  ): Promise<Backfill> =>
    json(schedulePath(idOrName, '/backfill'), {
      method: 'POST',
      json: { from: from.toISOString(), to: to?.toISOString(), dry_run: dryRun },
      isRepeatable: true,
    }),

  /** When something would fire. */
  preview: (
    recurrence: ScheduleTime & { count?: number; after?: string },
  ): Promise<{ words: string; next: ScheduleMoment[] }> =>
    json('/schedules/preview', { method: 'POST', json: recurrence, isRepeatable: true }),
});
