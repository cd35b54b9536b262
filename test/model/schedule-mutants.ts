import { planFiring } from '../../src/domain/firing-plan.ts';
import { toMomentKey } from '../../src/domain/schedule-key.ts';
import type { Submission } from '../../src/engine/submission.ts';
import { rewriting } from './mutants.ts';
import type { Mutation } from './world.ts';

/** The schedule goes on before its tasks are stored. */
const movesFirst: Mutation = {
  schedules: (real, now) => ({
    ...real,
    listDue: async (at, limit) => {
      const due = await real.listDue(at, limit);
      const moves = due.map((row) => {
        const { next, last } = planFiring(row, [], now());
        const { owner, id, next_at: oldNext, queued_at: queued } = row;
        const none = { skippedAt: null, missedFrom: null, missedUntil: null, error: null };
        const counts = { fired: 1, skipped: 0, refused: 0 };
        const to = {
          waits: 0 as const,
          oldNext,
          next,
          wake: next,
          last,
          oldQueued: queued,
          queued,
        };
        return { owner, id, ...to, ...counts, ...none };
      });
      await real.move(moves, now());
      return due;
    },
  }),
};

const keyWithoutMoment: Mutation = {
  toScheduled: (submission: Submission) => ({
    ...submission,
    findKey: () => toMomentKey(submission.caller.parentId ?? '', 1_900_000_010_000),
  }),
};

/** Bugs that the model of schedules must find, by name. */
export const scheduleMutants: Record<string, Mutation> = {
  'a move before the insert': movesFirst,
  'a move that is not guarded': rewriting(
    'schedules.move',
    "AND schedules.next_at IS m.value ->> 'oldNext'",
    '',
  ),
  'a key without the moment': keyWithoutMoment,
  'a move that does not see that the task before has ended': rewriting(
    'schedules.move',
    "m.value ->> 'waits' = 1 AND NOT EXISTS",
    'false AND NOT EXISTS',
  ),
  'a clock that forgets schedules': rewriting(
    'sweep.next_wake',
    '(SELECT min(wake_at) FROM schedules WHERE wake_at IS NOT NULL)',
    'NULL',
  ),
  'a moment that is not noted with its task': rewriting(
    'schedules.list_due',
    'schedules.*,',
    'schedules.*, NULL AS last_at,',
  ),
  'an overlap that looks at nothing': rewriting(
    'schedules.list_due',
    `CASE WHEN overlap = 'allow' THEN '[]'`,
    `CASE WHEN true THEN '[]'`,
  ),
};
