import type { Task, TaskError, TaskSummaryRow } from './task.ts';

/** One line of a task's history, in the order in which attempts ended. Times are milliseconds. */
export interface Attempt {
  attempt: number;
  started_at: number | null;
  ended_at: number;
  outcome: 'completed' | 'failed' | 'retried' | 'continued' | 'rescued' | 'cancelled';
  error: TaskError | null;
}

/** The newest entries of a task's history that are kept. */
export const MAX_ATTEMPTS_KEPT = 100;

export const parseAttempts = ({ attempts }: Pick<Task, 'attempts'>): Attempt[] =>
  JSON.parse(attempts) as Attempt[];

/** The history of a claimed task, as JSON, with the attempt that has just ended. */
export const appendAttempt = (
  task: Pick<Task, 'attempt' | 'started_at' | 'attempts'>,
  { ended_at, outcome, error }: Pick<Attempt, 'ended_at' | 'outcome' | 'error'>,
): string => {
  const { attempt, started_at } = task;
  const history = [...parseAttempts(task), { attempt, started_at, ended_at, outcome, error }];
  return JSON.stringify(history.slice(-MAX_ATTEMPTS_KEPT));
};

/**
 * The attempt that ended in the very write that returned this row, which set `updated_at` too; null
 * when none did.
 */
export const findEndedAttempt = (task: TaskSummaryRow): Attempt | null => {
  const { status, version, attempt, updated_at } = task;
  if (version === 1 || status === 'IN_PROGRESS') return null;
  const last = parseAttempts(task).at(-1);
  return last?.ended_at === updated_at && last.attempt === attempt ? last : null;
};

/** How long an attempt took, ms. */
export const measureDuration = ({ started_at, ended_at }: Attempt): number =>
  Math.max(0, ended_at - (started_at ?? ended_at));
