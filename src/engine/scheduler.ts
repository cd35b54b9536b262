import { AppError, describeError, type ErrorCode } from '../domain/errors.ts';
import { planFiring, type FiringPlan } from '../domain/firing-plan.ts';
import { readScheduleKey } from '../domain/schedule-key.ts';
import type { Logger } from '../log.ts';
import type { DueSchedule, Move, ScheduleStore, UnfinishedTask } from '../store/schedules.ts';
import type { Submission, Submitted } from './submission.ts';
import { toSubmission } from './submit-scheduled.ts';

/** Schedules that one statement reads, and one moves on. */
const CHUNK = 500;
/** Chunks of one strike; what is left has the next one at once. */
const MAX_CHUNKS = 8;
/** Tasks that are submitted at a time: what waits to be stored has a bound. */
const MAX_TASKS = 1_000;
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

interface Planned {
  schedule: DueSchedule;
  plan: FiringPlan;
}

/** Where a schedule stands that is left as it is. */
const stay = ({ owner, id, next_at, queued_at, wake_at, last_error }: DueSchedule): Move => ({
  owner,
  id,
  oldNext: next_at,
  oldQueued: queued_at,
  next: next_at,
  queued: queued_at,
  wake: wake_at,
  last: null,
  fired: 0,
  skipped: 0,
  refused: 0,
  skippedAt: null,
  missedFrom: null,
  missedUntil: null,
  error: last_error,
});

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

  const submit = async ({ schedule, plan }: Planned): Promise<void> => {
    if (schedule.key_revoked_at !== null)
      throw new AppError(
        'key_revoked',
        'The key that made this schedule was revoked. Change or resume it by another key, or delete it',
      );
    await deps.submit(
      toSubmission(schedule, plan.fire, {
        requestId: '',
        ownHost: deps.publicHost,
        taskTypes: null,
        consumeMetered: (runs) => consumeMetered(schedule.owner, runs),
      }),
    );
    if (plan.cancel.length > 0) await deps.cancel(schedule.owner, plan.cancel);
  };

  const toError = (code: string, message: string, moment: number | null): string =>
    JSON.stringify({ code, message, at: now(), scheduled_for: moment });

  /** Its moments are over, whatever became of them. */
  const moveOn = ({ schedule, plan }: Planned): Move => ({
    ...stay(schedule),
    next: plan.next,
    queued: plan.queued,
    wake: plan.next,
    last: plan.last,
    fired: plan.fire.length,
    skipped: plan.skipped,
    skippedAt: plan.skippedAt,
    missedFrom: plan.missed?.from ?? null,
    missedUntil: plan.missed?.until ?? null,
    error: plan.fire.length > 0 ? null : schedule.last_error,
  });

  const noteRefused = (planned: Planned, error: AppError): Move => {
    const { schedule, plan } = planned;
    const reasons = [error.message, ...(error.errors ?? []).map((each) => each.message)];
    const refused = plan.fire.length;
    deps.countFirings('refused', refused);
    log.warn('schedule_refused', {
      owner: schedule.owner,
      schedule_id: schedule.id,
      code: error.code,
    });
    const message = describeError([...new Set(reasons)].join('; '));
    const text = toError(error.code, message, plan.fire.at(-1) ?? null);
    return { ...moveOn(planned), fired: 0, refused, error: text };
  };

  /** The moment is tried again after a while. */
  const defer = (schedule: DueSchedule, error: unknown): Move => {
    const code = error instanceof AppError ? error.code : 'internal_error';
    const seconds = error instanceof AppError ? (error.retryAfterSeconds ?? 0) : 0;
    const least = error instanceof AppError ? MIN_DEFER_MS : UNKNOWN_DEFER_MS;
    const message = describeError(error);
    deps.countFirings('deferred', 1);
    const fields = { owner: schedule.owner, schedule_id: schedule.id, code };
    log.warn('schedule_deferred', { ...fields, error: message });
    const wake = now() + Math.max(least, seconds * 1_000);
    return { ...stay(schedule), wake, error: toError(code, message, schedule.next_at) };
  };

  const fireOne = async (planned: Planned): Promise<Move> => {
    const { plan } = planned;
    try {
      if (plan.fire.length > 0) await submit(planned);
    } catch (error) {
      const isRefused = error instanceof AppError && !PASSING.includes(error.code);
      return isRefused ? noteRefused(planned, error) : defer(planned.schedule, error);
    }
    deps.countFirings('fired', plan.fire.length);
    deps.countFirings('skipped', plan.skipped);
    for (const moment of plan.fire)
      if (moment === plan.last) deps.observeLateness(Math.max(0, now() - moment) / 1_000);
    return moveOn(planned);
  };

  /** One that cannot be read must not keep the others waiting. */
  const plan = (schedule: DueSchedule): Planned | Move => {
    try {
      const unfinished = (JSON.parse(schedule.unfinished) as UnfinishedTask[]).map(
        ({ id, key }) => ({ id, moment: readScheduleKey(key)?.scheduledFor ?? null }),
      );
      return { schedule, plan: planFiring(schedule, unfinished, now()) };
    } catch (error) {
      return defer(schedule, error);
    }
  };

  /** Few of them have many tasks each. */
  const splitByTasks = (all: readonly Planned[]): Planned[][] => {
    const groups: Planned[][] = [];
    let tasks = Infinity;
    for (const planned of all) {
      tasks += planned.plan.fire.length;
      if (tasks > MAX_TASKS) {
        groups.push([]);
        tasks = planned.plan.fire.length;
      }
      groups.at(-1)?.push(planned);
    }
    return groups;
  };

  return {
    /** Fires what is due; returns whether there may be more. Throws when the database does not answer. */
    async fire(): Promise<boolean> {
      for (let chunk = 0; chunk < MAX_CHUNKS; chunk += 1) {
        const due = await schedules.listDue(now(), CHUNK);
        if (due.length === 0) return false;
        const plans = due.map(plan);
        const moves = plans.filter((each): each is Move => !('plan' in each));
        for (const group of splitByTasks(plans.filter((each): each is Planned => 'plan' in each)))
          moves.push(...(await Promise.all(group.map(fireOne))));
        await schedules.move(moves, now());
        if (due.length < CHUNK) return false;
      }
      return true;
    },
  };
};

export type Scheduler = ReturnType<typeof createScheduler>;
