import { AppError, describeError, type ErrorCode } from '../domain/errors.ts';
import { planFiring } from '../domain/firing-plan.ts';
import { readScheduleKey } from '../domain/schedule-key.ts';
import type { Logger } from '../log.ts';
import type { ScheduleStore } from '../store/schedules.ts';
import type { DueSchedule, Move, UnfinishedTask } from '../domain/schedule-rows.ts';
import type { Submission } from './submission.ts';
import type { Submitted } from './store-submitted.ts';
import { moveOn, stopAt, toStoredError, type Planned } from './schedule-moves.ts';
import { toSubmission } from './submit-scheduled.ts';

/** Schedules that one statement reads, and one moves on. */
const CHUNK = 500;
/** Times that one strike reads and moves on; what is left has the next strike at once. */
const MAX_ROUNDS = 8;
/** Moments that are decided about at a time: those of many missed ones cost more. */
const MAX_WEIGHT = 500;
/** A failure that passes is tried again after this long at least. */
const MIN_DEFER_MS = 5_000;
/** What nobody foresaw is tried again after this long. */
const UNKNOWN_DEFER_MS = 60_000;

/** Failures that pass by themselves: the moment is tried again until the next one comes. */
const PASSING: readonly ErrorCode[] = [
  'overloaded',
  'outcome_unknown',
  'database_unavailable',
  'rate_limited',
];

/** What becomes of a moment. */
export type FiringOutcome = 'fired' | 'skipped' | 'refused' | 'deferred';

export interface SchedulerDeps {
  schedules: Pick<ScheduleStore, 'listDue' | 'move'>;
  /** Stores tasks by this very object. */
  submit(submission: Submission): Promise<Submitted[]>;
  cancel(owner: string, ids: readonly string[]): Promise<unknown>;
  /** Whether the owner may run one more task of a metered type just now; if so it is counted. */
  tryConsume(owner: string): Promise<boolean>;
  /** The service's own host name, where it is known without a request. */
  publicHost: string;
  countFirings(outcome: FiringOutcome, count: number): void;
  /** How late a moment's task was stored. */
  observeLateness(seconds: number): void;
  now(): number;
  log: Logger;
}

const weigh = ({ plan }: Planned): number => Math.max(1, plan.fire.length + plan.skipped);

/**
 * Submits what schedules say, when it is time. First the tasks, by keys that a moment has once, then
 * the schedule moves on: a crash in between repeats a submit that makes nothing twice.
 */
export const createScheduler = (deps: SchedulerDeps) => {
  const { schedules, now, log } = deps;

  const consumeMetered = async (owner: string, runs: number): Promise<void> => {
    for (let run = 0; run < runs; run += 1) {
      if (await deps.tryConsume(owner)) continue;
      const message = 'Tasks that cost money are submitted too fast';
      throw new AppError('rate_limited', message, { retryAfterSeconds: 10 });
    }
  };

  const submit = async (schedule: DueSchedule, moment: number): Promise<void> => {
    if (schedule.key_revoked_at !== null)
      throw new AppError(
        'key_revoked',
        'The key that made this schedule was revoked. Change or resume it by another key, or delete it',
      );
    await deps.submit(
      toSubmission(schedule, [moment], {
        requestId: '',
        ownHost: deps.publicHost,
        taskTypes: null,
        consumeMetered: (runs) => consumeMetered(schedule.owner, runs),
      }),
    );
  };

  const noteRefused = (planned: Planned, fired: number, error: AppError): Move => {
    const { schedule, plan } = planned;
    const reasons = [error.message, ...(error.errors ?? []).map((each) => each.message)];
    deps.countFirings('refused', plan.fire.length - fired);
    const fields = { owner: schedule.owner, schedule_id: schedule.id, code: error.code };
    log.warn('schedule_refused', fields);
    const message = describeError([...new Set(reasons)].join('; '));
    const moment = plan.fire[fired] ?? null;
    const text = toStoredError({ code: error.code, message, at: now(), scheduled_for: moment });
    return { ...moveOn(planned, fired, now()), error: text };
  };

  /** The moment is tried again after a while. */
  const defer = (schedule: DueSchedule, error: unknown, planned?: Planned, fired = 0): Move => {
    const code = error instanceof AppError ? error.code : 'internal_error';
    const seconds = error instanceof AppError ? (error.retryAfterSeconds ?? 0) : 0;
    const least = error instanceof AppError ? MIN_DEFER_MS : UNKNOWN_DEFER_MS;
    const message = describeError(error);
    deps.countFirings('deferred', 1);
    const fields = { owner: schedule.owner, schedule_id: schedule.id, code };
    log.warn('schedule_deferred', { ...fields, error: message });
    const moment = planned?.plan.fire[fired] ?? schedule.next_at;
    const text = toStoredError({ code, message, at: now(), scheduled_for: moment });
    const wake = now() + Math.max(least, seconds * 1_000);
    return { ...stopAt(schedule, planned, fired), wake, error: text };
  };

  /** Moment by moment: the newest that has a task tells that those before have one, too. */
  const fireOne = async (planned: Planned): Promise<Move> => {
    const { schedule, plan } = planned;
    let fired = 0;
    try {
      for (const moment of plan.fire) {
        await submit(schedule, moment);
        fired += 1;
        // What was missed is late by how long the service was away.
        if (moment === plan.last) deps.observeLateness(Math.max(0, now() - moment) / 1_000);
      }
      if (plan.cancel.length > 0) await deps.cancel(schedule.owner, plan.cancel);
    } catch (error) {
      deps.countFirings('fired', fired);
      const isRefused = error instanceof AppError && !PASSING.includes(error.code);
      return isRefused
        ? noteRefused(planned, fired, error)
        : defer(schedule, error, planned, fired);
    }
    deps.countFirings('fired', fired);
    deps.countFirings('skipped', plan.skipped);
    return moveOn(planned, fired, now());
  };

  /**
   * What it does as of `at`, when it was read: it may have been paused since. One that cannot be read
   * must not keep the others waiting.
   */
  const plan = (schedule: DueSchedule, at: number): Planned | Move => {
    try {
      const unfinished = (JSON.parse(schedule.unfinished) as UnfinishedTask[]).map(
        ({ id, key }) => ({ id, moment: readScheduleKey(key)?.scheduledFor ?? null }),
      );
      return { schedule, plan: planFiring(schedule, unfinished, at) };
    } catch (error) {
      return defer(schedule, error);
    }
  };

  /** Fires the first of what is due, and moves those on; returns whether there is more. */
  const fireSome = async (): Promise<boolean> => {
    const at = now();
    const due = await schedules.listDue(at, CHUNK);
    const firing: Promise<Move>[] = [];
    let weight = 0;
    for (const schedule of due) {
      if (weight >= MAX_WEIGHT) break;
      const planned = plan(schedule, at);
      firing.push('plan' in planned ? fireOne(planned) : Promise.resolve(planned));
      weight += 'plan' in planned ? weigh(planned) : 1;
    }
    if (firing.length > 0) await schedules.move(await Promise.all(firing), now());
    return due.length === CHUNK || firing.length < due.length;
  };

  const fire = async (): Promise<boolean> => {
    for (let round = 0; round < MAX_ROUNDS; round += 1) if (!(await fireSome())) return false;
    return true;
  };

  let firing: Promise<boolean> | null = null;
  return {
    /**
     * Fires what is due; returns whether there may be more. One strike at a time: what a second one has
     * read would be old when it fires. Throws when the database does not answer.
     */
    async fire(): Promise<boolean> {
      if (firing) return firing.then(() => true);
      firing = fire().finally(() => (firing = null));
      return firing;
    },
  };
};
