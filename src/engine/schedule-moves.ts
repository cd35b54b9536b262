import type { FiringPlan } from '../domain/firing-plan.ts';
import type { StoredScheduleError } from '../domain/schedule.ts';
import type { DueSchedule, Move } from '../domain/schedule-rows.ts';

// Where a schedule goes once the clock has looked at it.

/** A schedule that is due, and what it does. */
export interface Planned {
  schedule: DueSchedule;
  plan: FiringPlan;
}

/** It is left where it is. */
export const stay = ({
  owner,
  id,
  next_at,
  queued_at,
  wake_at,
  last_error,
}: DueSchedule): Move => ({
  owner,
  id,
  oldNext: next_at,
  oldQueued: queued_at,
  next: next_at,
  queued: queued_at,
  wake: wake_at,
  waits: 0,
  last: null,
  fired: 0,
  skipped: 0,
  refused: 0,
  skippedAt: null,
  missedFrom: null,
  missedUntil: null,
  error: last_error,
});

/** Its moments are over, whatever became of them. @param fired how many have a task */
export const moveOn = ({ schedule, plan }: Planned, fired: number, now: number): Move => ({
  ...stay(schedule),
  next: plan.next,
  queued: plan.queued,
  // One that has more to do lets the others go first.
  wake: plan.next === null ? null : Math.max(plan.next, now),
  waits: plan.queued === null ? 0 : 1,
  last: plan.last,
  fired,
  refused: plan.fire.length - fired,
  skipped: plan.skipped,
  skippedAt: plan.skippedAt,
  missedFrom: plan.missed?.from ?? null,
  missedUntil: plan.missed?.until ?? null,
  error: fired > 0 ? null : schedule.last_error,
});

/**
 * It got as far as `fired` of its moments; the next of them is tried again. What is not made up for
 * is behind it.
 */
export const stopAt = (
  schedule: DueSchedule,
  planned: Planned | undefined,
  fired: number,
): Move => {
  const { fire = [], missed = null } = planned?.plan ?? {};
  const { next_at, queued_at } = schedule;
  const reached = fire[fired] ?? fire.at(-1);
  return {
    ...stay(schedule),
    next: next_at === null ? null : Math.max(next_at, reached ?? next_at),
    queued: fired > 0 && fire[0] === queued_at ? null : queued_at,
    fired,
    missedFrom: missed?.from ?? null,
    missedUntil: missed?.until ?? null,
  };
};

export const toStoredError = (error: StoredScheduleError): string => JSON.stringify(error);
