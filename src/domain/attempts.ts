import type { Task, TaskError, TaskSummaryRow } from './task.ts';

/** One line of a task's history, in the order in which attempts ended. Times are milliseconds. */
export interface Attempt {
  attempt: number;
  started_at: number | null;
  ended_at: number;
  outcome: 'completed' | 'failed' | 'retried' | 'continued' | 'snoozed' | 'rescued' | 'cancelled';
  error: TaskError | null;
  /** Where the error was thrown, for the owner alone; of the newest few. */
  stack?: string | undefined;
}

/** The newest entries of a task's history that are kept, and of those with their stacks. */
export const MAX_ATTEMPTS_KEPT = 100;
const MAX_STACKS_KEPT = 5;

export const parseAttempts = ({ attempts }: Pick<Task, 'attempts'>): Attempt[] =>
  JSON.parse(attempts) as Attempt[];

/** The history of a claimed task, as JSON, with the attempt that has just ended. */
export const appendAttempt = (
  task: Pick<Task, 'attempt' | 'started_at' | 'attempts'>,
  { ended_at, outcome, error, stack }: Omit<Attempt, 'attempt' | 'started_at'>,
): string => {
  const { attempt, started_at } = task;
  const more = stack === undefined ? {} : { stack };
  const history = [
    ...parseAttempts(task),
    { attempt, started_at, ended_at, outcome, error, ...more },
  ];
  for (const old of history.slice(0, -MAX_STACKS_KEPT)) delete old.stack;
  return JSON.stringify(history.slice(-MAX_ATTEMPTS_KEPT));
};

/**
 * The attempt that ended in the very write that returned this row, which set `updated_at` too; null
 * when none did.
 */
export const findEndedAttempt = (task: TaskSummaryRow): Attempt | null => {
  const known = endedAttempts.get(task);
  if (known !== undefined) return known;
  const found = readEndedAttempt(task);
  endedAttempts.set(task, found);
  return found;
};

/** Of a committed row that each listener asks about. */
const endedAttempts = new WeakMap<TaskSummaryRow, Attempt | null>();
const readEndedAttempt = (task: TaskSummaryRow): Attempt | null => {
  const { status, version, attempt, updated_at } = task;
  if (version === 1 || status === 'IN_PROGRESS') return null;
  const last = parseAttempts(task).at(-1);
  return last?.ended_at === updated_at && last.attempt === attempt ? last : null;
};

/** How long an attempt took, ms. */
export const measureDuration = ({ started_at, ended_at }: Attempt): number =>
  Math.max(0, ended_at - (started_at ?? ended_at));
