import { v7 as uuidv7 } from 'uuid';
import { AppError } from '../domain/errors.ts';
import { refuseFields } from '../domain/field-errors.ts';
import type { SubmitRequest } from '../domain/submit-request.ts';
import { findNextMoment } from '../domain/recurrence.ts';
import { MAX_SCHEDULES, toRecurrence, type Schedule } from '../domain/schedule.ts';
import { toTriggerKey } from '../domain/schedule-key.ts';
import { isUniqueViolation } from '../store/failure.ts';
import type { ScheduleStore } from '../store/schedules.ts';
import type { ScheduleEdit } from '../domain/schedule-rows.ts';
import { createBackfill } from './backfill.ts';
import type { Submission } from './submission.ts';
import type { Submitted } from './store-submitted.ts';
import { toSubmission, type ScheduledBy } from './submit-scheduled.ts';

/** What a person says of a schedule. */
export type ScheduleFields = Pick<
  Schedule,
  'name' | 'cron' | 'timezone' | 'every_ms' | 'overlap' | 'catch_up' | 'catch_up_window_ms' | 'task'
>;

export interface ScheduleCommandDeps {
  schedules: Pick<ScheduleStore, 'insert' | 'edit' | 'find' | 'findTasks' | 'remove'>;
  submission: {
    check(submission: Submission): Promise<void>;
    submit(submission: Submission): Promise<Submitted[]>;
  };
  /** Awaited before a schedule becomes due. */
  ensureAlarmBy(at: number): Promise<void>;
  /** Lets the clock look at what is due, and waits for it. */
  tickNow(): Promise<void>;
  now(): number;
}

/** Somebody who changes schedules. */
export interface Editor extends ScheduledBy {
  keyId: string | null;
}

/** An edit that meets others, or the clock, is tried so many times. */
const MAX_TRIES = 5;

const refuseName = (name: string): AppError =>
  new AppError(
    'schedule_name_taken',
    `There is a schedule "${name}" already; change it, or delete it`,
  );

/** Texts of a task may be as long as this, also once the moment is in them. */
const MAX_WORDS = { title: 200, description: 5_000 } as const;
const MAX_TAG = 50;

const assertWords = (request: SubmitRequest): void => {
  const { tags = [] } = request;
  const tooLong = [
    ...(['title', 'description'] as const).filter(
      (name) => (request[name] ?? '').length > MAX_WORDS[name],
    ),
    ...(tags.some((tag) => tag.length > MAX_TAG) ? ['tags'] : []),
  ];
  if (tooLong.length === 0) return;
  const message = 'It is too long once the moment is in it';
  refuseFields(tooLong.map((path) => ({ in: 'body', path, code: 'too_big', message })));
};

/** What people do with schedules. */
export const createScheduleCommands = (deps: ScheduleCommandDeps) => {
  const { schedules, submission, ensureAlarmBy, now } = deps;

  const find = async (owner: string, idOrName: string): Promise<Schedule> => {
    const found = await schedules.find(owner, idOrName);
    if (found) return found;
    throw new AppError('schedule_not_found', `There is no schedule "${idOrName.slice(0, 100)}"`);
  };

  /** Its task must be one that could be submitted now. */
  const checkTask = async (
    schedule: Pick<Schedule, 'owner' | 'id' | 'task'>,
    by: Editor,
  ): Promise<void> => {
    try {
      const asked = toSubmission(schedule, [now()], by);
      await submission.check(asked);
      asked.requests.forEach(assertWords);
    } catch (error) {
      if (!(error instanceof AppError) || !error.errors) throw error;
      const errors = error.errors.map((each) => ({ ...each, path: `task.${each.path}` }));
      throw new AppError(error.code, error.message, { errors });
    }
  };

  /** What is written of a schedule that goes on; null while a moment is due, which comes first. */
  const goOn = async (
    present: Schedule,
    change: Partial<ScheduleEdit>,
    by: Editor,
  ): Promise<ScheduleEdit | null> => {
    const at = now();
    const { next_at: due, wake_at } = present;
    // One that waits for another try is given up for what is written now.
    const isDeferred = wake_at !== null && wake_at > at;
    if (due !== null && due <= at && !isDeferred) return null;
    const changed = { ...present, ...change, created_by_key: by.keyId };
    await checkTask(changed, by);
    const after = Math.max(at, present.last_at ?? 0);
    const next_at = findNextMoment(toRecurrence(changed), after);
    if (next_at !== null) await ensureAlarmBy(present.queued_at === null ? next_at : at);
    return { ...changed, next_at };
  };

  const edit = async (
    owner: string,
    idOrName: string,
    by: Editor,
    change: (schedule: Schedule) => Partial<ScheduleEdit> | Promise<Partial<ScheduleEdit>>,
  ): Promise<Schedule> => {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const present = await find(owner, idOrName);
      const changes = await change(present);
      const changed = { ...present, ...changes };
      const written =
        changed.paused_at === null
          ? await goOn(present, changes, by)
          : { ...changed, next_at: null };
      if (written === null) {
        await deps.tickNow();
        continue;
      }
      try {
        const edited = await schedules.edit({
          ...written,
          version: present.version,
          updated_at: now(),
        });
        if (edited) return edited;
      } catch (error) {
        throw isUniqueViolation(error) ? refuseName(changed.name) : error;
      }
    }
    const message = 'The schedule is due, and its moment could not be run just now; try again';
    throw new AppError('overloaded', message, { retryAfterSeconds: 5 });
  };

  return {
    find,

    async create(owner: string, fields: ScheduleFields, by: Editor): Promise<Schedule> {
      const created_at = now();
      const draft = { ...fields, owner, id: uuidv7(), created_at };
      await checkTask(draft, by);
      const next_at = findNextMoment(toRecurrence(draft), created_at);
      if (next_at !== null) await ensureAlarmBy(next_at);
      const created = await schedules.insert(
        { ...draft, next_at, paused_at: null, created_by_key: by.keyId },
        MAX_SCHEDULES,
      );
      if (created) return created;
      if (await schedules.find(owner, fields.name)) throw refuseName(fields.name);
      const message = `An owner has at most ${MAX_SCHEDULES} schedules`;
      throw new AppError('too_many_schedules', message);
    },

    /** Counts from now on; a moment that is due already has its task first. */
    change: (owner: string, idOrName: string, fields: Partial<ScheduleFields>, by: Editor) =>
      edit(owner, idOrName, by, async (present) => {
        const change = { ...fields, created_by_key: by.keyId };
        // Whoever resumes it relies on it.
        if (present.paused_at !== null) await checkTask({ ...present, ...change }, by);
        return change;
      }),

    /** Moments that pass meanwhile are not made up for. */
    pause: (owner: string, idOrName: string, by: Editor) =>
      edit(owner, idOrName, by, (present) => ({ paused_at: present.paused_at ?? now() })),

    resume: (owner: string, idOrName: string, by: Editor) =>
      edit(owner, idOrName, by, () => ({ paused_at: null })),

    async remove(owner: string, idOrName: string): Promise<Schedule> {
      const present = await find(owner, idOrName);
      await schedules.remove(owner, present.id);
      return present;
    },

    /** One task now, whatever `overlap` says. @param name the same name gives the same task */
    async trigger(
      owner: string,
      idOrName: string,
      by: ScheduledBy,
      name: string = uuidv7(),
    ): Promise<Submitted> {
      const present = await find(owner, idOrName);
      const findKey = () => toTriggerKey(present.id, name);
      const [one] = await submission.submit(toSubmission(present, [now()], by, findKey));
      return one as Submitted;
    },

    backfill: createBackfill({ schedules, submit: submission.submit, find }),
  };
};
