import type { Letter } from './outbox.ts';
import type { LeasedTask } from './run-handler.ts';

/** What a worker is told to do with errors unless its author says otherwise. */
export const warn = (error: unknown): void =>
  // oxlint-disable-next-line no-console -- in a program of its users'.
  console.warn(`tasker worker: ${error instanceof Error ? error.message : String(error)}`);

/** Tells of a run that failed. */
export const reportFailure = (
  { type, task_id: id, attempt }: LeasedTask,
  { end: { error } }: Letter,
  onError: (error: unknown) => void,
): void => {
  if (error) onError(new Error(`${type} ${id}, attempt ${attempt}, failed: ${error.message}`));
};
