import { appendAttempt } from './attempts.ts';
import { computeLeaseMs, lifecycle } from './lifecycle.ts';
import type { Task } from './task.ts';

// A direct run begins with the submit of its task, in the Worker that accepts it, because somebody
// waits for it: its row is born as a claim, or a claim and an outcome, would have made it.

/** A longer timeout would keep the Worker that accepts it too long. */
export const MAX_DIRECT_TIMEOUT_MS = 15_000;

/** The columns that a direct run decides. */
export const DIRECT_COLUMNS = [
  'status',
  'attempt',
  'version',
  'started_at',
  'updated_at',
  'held',
  'wake_at',
  'attempts',
  'result',
  'completed_at',
] as const satisfies (keyof Task)[];
export type DirectPart = Pick<Task, (typeof DIRECT_COLUMNS)[number]>;

/** A new task as its direct run begins: under a lease. @param now ms */
export const startDirectly = (task: Task, now: number): Task => ({
  ...task,
  status: lifecycle.submit.ifDirect,
  attempt: task.attempt + 1,
  version: task.version + 1,
  started_at: now,
  updated_at: now,
  held: 'lease',
  wake_at: now + computeLeaseMs(task.timeout_ms),
});

/** The same once it is over. @param result JSON */
export const endDirectly = (started: Task, result: string, now: number): Task => ({
  ...started,
  status: lifecycle.submit.ifPure,
  version: started.version + 1,
  updated_at: now,
  completed_at: now,
  held: null,
  wake_at: null,
  result,
  attempts: appendAttempt(started, { ended_at: now, outcome: 'completed', error: null }),
});

/** What was to be told of it in between. */
export const toBegun = (ended: Task): Task => ({
  ...ended,
  status: lifecycle.submit.ifDirect,
  version: ended.version - 1,
  updated_at: ended.started_at ?? ended.updated_at,
  completed_at: null,
  result: null,
  attempts: '[]',
});

/** What a direct run decided of a row. */
export const pickDirect = (task: Task): DirectPart =>
  Object.fromEntries(DIRECT_COLUMNS.map((column) => [column, task[column]])) as DirectPart;
