import { refuseFields } from '../domain/field-errors.ts';
import { listMoments } from '../domain/recurrence.ts';
import { MAX_MOMENTS, toRecurrence, type Schedule } from '../domain/schedule.ts';
import { toMomentKey } from '../domain/schedule-key.ts';
import type { ScheduleStore } from '../store/schedules.ts';
import type { Submission } from './submission.ts';
import type { Submitted } from './store-submitted.ts';
import { toSubmission, type ScheduledBy } from './submit-scheduled.ts';

export interface BackfillDeps {
  schedules: Pick<ScheduleStore, 'findTasks'>;
  submit(submission: Submission): Promise<Submitted[]>;
  find(owner: string, idOrName: string): Promise<Schedule>;
}

/** A moment (ms) and its task. */
export interface BackfilledMoment {
  moment: number;
  /** Null: it would be new. */
  taskId: string | null;
  isNew: boolean;
}

/**
 * Makes tasks for the moments from `from` to `to` (ms) that have none. What is due now is left to the
 * clock.
 * @returns by `isDry` only which they are; 422 for more than 1 000
 */
export const createBackfill =
  ({ schedules, submit, find }: BackfillDeps) =>
  async (
    owner: string,
    idOrName: string,
    { from, to, isDry }: { from: number; to: number; isDry: boolean },
    by: ScheduledBy,
  ): Promise<BackfilledMoment[]> => {
    const schedule = await find(owner, idOrName);
    const until = Math.min(to, (schedule.next_at ?? Infinity) - 1);
    const moments = listMoments(toRecurrence(schedule), from - 1, MAX_MOMENTS + 1, until);
    if (moments.length > MAX_MOMENTS) {
      const message = `There are more than ${MAX_MOMENTS} moments in this time; take a part of it`;
      refuseFields([{ in: 'body', path: 'to', code: 'too_many_moments', message }]);
    }
    const keys = moments.map((moment) => toMomentKey(schedule.id, moment));
    const there = await schedules.findTasks(owner, keys);
    const missing = moments.filter((_, i) => !there.has(keys[i] ?? ''));
    const isOver = isDry || missing.length === 0;
    const made = isOver ? [] : await submit(toSubmission(schedule, missing, by));
    const ids = new Map(made.map(({ task }) => [task.idempotency_key, task.id]));
    return moments.map((moment, i) => {
      const key = keys[i] ?? '';
      const taskId = there.get(key) ?? ids.get(key) ?? null;
      return { moment, taskId, isNew: !there.has(key) };
    });
  };
