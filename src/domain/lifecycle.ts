import type { Status } from './task.ts';

interface Transition {
  from: readonly Status[];
  to: Status;
}

/** The whole state machine, in the order a task lives. `store/transitions.ts` guards every write with it. */
export const lifecycle = {
  /** Its time has come: hand it to its queue. */
  dispatch: { from: ['NEW'], to: 'PENDING' },
  /** A consumer takes it, exclusively until the lease ends; adds one to `attempt`. */
  claim: { from: ['PENDING'], to: 'IN_PROGRESS' },
  /** The sweep alone: the lease ran out, so whoever held it is presumed dead. */
  rescue: { from: ['IN_PROGRESS'], to: 'PENDING' },
  /** The sweep alone: the lease ran out once too often. */
  lose: { from: ['IN_PROGRESS'], to: 'FAILED' },
  complete: { from: ['IN_PROGRESS'], to: 'COMPLETED' },
  /** Attempts are left: back to its queue after a delay. */
  retryLater: { from: ['IN_PROGRESS'], to: 'PENDING' },
  fail: { from: ['IN_PROGRESS'], to: 'FAILED' },
} as const satisfies Record<string, Transition>;

/** After so many rescues an expired lease means FAILED with code `lost`. */
export const MAX_RESCUES = 3;

/** A claim outlives the handler's timeout by this much, for the outcome to be recorded. */
export const LEASE_MARGIN_MS = 10_000;
