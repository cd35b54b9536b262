import type { CommittedTask } from './task.ts';

/**
 * A part of the service that wants to know what was committed: the live board, the cache,
 * deliveries, metrics, the log.
 */
export interface CommitListener {
  name: string;
  onCommit(tasks: readonly CommittedTask[]): Promise<void> | void;
}
