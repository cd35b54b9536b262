import type { Target } from '../load.ts';

/**
 * A task service that is measured: the same work in each, a `sum` whose status and output are
 * stored and cached.
 */
export interface System {
  name: string;
  /** Begins a round of its own: nothing that was submitted before is counted in it. */
  round(): Promise<Round>;
  /** Its processes; those below them belong to it, too. */
  pids: readonly number[];
  stop(): Promise<void>;
}

export interface Round {
  /** One submit. */
  submit: Target;
  /** Submits of 1 000 tasks at a time. */
  bulk: Target;
  /** One submit that is answered with the outcome. */
  wait: Target;
  /**
   * Whether the outcomes of all tasks that this round has submitted are stored; `tasks`: how many
   * those are.
   */
  isRecorded(tasks: number): Promise<boolean>;
  /** Milliseconds from one submit to the moment at which its client can know the outcome. */
  submitToOutcome(): Promise<number>;
}

export const BULK_SIZE = 1_000;
