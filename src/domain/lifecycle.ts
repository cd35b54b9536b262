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
  reschedule: { from: ['IN_PROGRESS'], to: 'PENDING' },
  fail: { from: ['IN_PROGRESS'], to: 'FAILED' },
  /** By a person. A running handler is aborted, and what it still returns is refused. */
  cancel: { from: ['NEW', 'PENDING', 'PAUSED', 'IN_PROGRESS'], to: 'CANCELLED' },
  /** By a person: nobody looks at it until it is resumed. */
  pause: { from: ['NEW', 'PENDING'], to: 'PAUSED' },
  /** Or to NEW, when its time is still ahead. */
  resume: { from: ['PAUSED'], to: 'PENDING' },
  /** By a person: as many attempts again as it was submitted with. `attempt` goes on counting. */
  retry: { from: ['FAILED', 'CANCELLED'], to: 'PENDING' },
} as const satisfies Record<string, Transition>;

/** After so many rescues an expired lease means FAILED with code `lost`. */
export const MAX_RESCUES = 3;

/** A claim outlives the handler's timeout by this much, for the outcome to be recorded … */
export const LEASE_MARGIN_MS = 10_000;
/** … but no lease is longer than this: who runs longer renews it at half time. */
export const MAX_LEASE_MS = 60_000;

/** The exclusive time of one claim. */
export const computeLeaseMs = (timeoutMs: number): number =>
  Math.min(timeoutMs + LEASE_MARGIN_MS, MAX_LEASE_MS);
