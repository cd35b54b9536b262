import { AppError } from '../domain/errors.ts';
import type { Task } from '../domain/task.ts';
import type { Acceptance } from './accept-wire.ts';

type Refusal = Exclude<Acceptance, 'accepted' | 'begun' | 'duplicate'>;
const REFUSALS: Record<Refusal, string> = {
  too_many_unfinished: 'Too many tasks of this owner are waiting or running; let some end first',
  too_many_bytes:
    'The tasks of this owner take up all the room that they may; delete some that have ended',
  database_full:
    'The database is nearly full, and takes no new tasks. Delete tasks that have ended, or shorten their retention',
  overloaded: 'Too many tasks are waiting to be stored; try again in a moment',
  task_rejected: 'The database refused this task',
  database_unavailable: 'The database did not take the task; nothing was stored, try again',
  outcome_unknown:
    'The database did not answer; the task may or may not be stored. Look for it before you send it again',
};

const isRefusal = (acceptance: Acceptance): acceptance is Refusal => acceptance in REFUSALS;

/** Throws the worst that happened to any of the tasks; of several, with the outcome of each. */
export const assertNoneRefused = (
  refused: readonly Acceptance[],
  tasks: readonly Task[],
  answers: readonly Acceptance[],
): void => {
  const worst = refused.find((each) => each === 'outcome_unknown') ?? refused[0];
  if (worst === undefined || !isRefusal(worst)) return;
  const outcomes = tasks.map(({ id }, i) => ({ task_id: id, outcome: answers[i] }));
  throw new AppError(worst, REFUSALS[worst], {
    retryAfterSeconds: worst === 'overloaded' ? 1 : 5,
    ...(tasks.length > 1 && { members: { tasks: outcomes } }),
  });
};

/** Throws where a task's Idempotency-Key was used with another body. `stored`: the first ones, by key. */
export const assertSameBodies = (
  tasks: readonly Task[],
  stored: ReadonlyMap<string, Task>,
): void => {
  const conflicts = tasks.flatMap(({ idempotency_key: key, fingerprint }, index) => {
    const first = stored.get(key ?? '');
    return first && first.fingerprint !== fingerprint ? [{ index, key, first }] : [];
  });
  const [conflict] = conflicts;
  if (!conflict) return;
  const { key, first } = conflict;
  throw new AppError(
    'idempotency_key_reused',
    `The Idempotency-Key "${key}" was used with another body, for task ${first.id}`,
    {
      members: { task_id: first.id },
      errors: conflicts.map((each) => ({
        in: 'header' as const,
        path: tasks.length > 1 ? `tasks.${each.index}` : 'Idempotency-Key',
        code: 'idempotency_key_reused',
        message: `Used with another body, for task ${each.first.id}`,
      })),
    },
  );
};
