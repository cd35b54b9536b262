import { FINAL_STATUSES, STATUSES, type Status } from './words.ts';

/**
 * A change of a task: the statuses that it may leave, and the one that it leads to; null where the
 * status stays.
 */
export interface Transition {
  from: readonly Status[];
  to: Status | null;
  /** Where a task goes instead, while its time is still ahead. */
  ifScheduled?: Status;
  /** Where it leads to instead, when it is said to have failed. */
  failTo?: Status;
  /** Where a task is born instead, when an output is there that may be used again. */
  ifReused?: Status;
  /** Where a task is born that runs at once, for a caller who waits; and one that has run already. */
  ifDirect?: Status;
  ifPure?: Status;
  /** Statuses in which there is nothing left to do: repeating the command there is no error. */
  repeatsIn?: readonly Status[];
}

const UNFINISHED = ['NEW', 'PENDING', 'PAUSED', 'IN_PROGRESS'] as const satisfies Status[];
const NOT_RUNNING = ['NEW', 'PENDING', 'PAUSED', ...FINAL_STATUSES] as const satisfies Status[];

/**
 * The whole state machine, in the order in which a task lives. Every guard of a write, every button
 * and every bulk action derives from it; docs/architecture.md draws it.
 */
export const lifecycle = {
  submit: {
    from: [],
    to: 'PENDING',
    ifScheduled: 'NEW',
    ifReused: 'COMPLETED',
    ifDirect: 'IN_PROGRESS',
    ifPure: 'COMPLETED',
  },
  /** The clock: its time has come, so it goes to its queue. */
  dispatch: { from: ['NEW'], to: 'PENDING' },
  /** A consumer takes it, exclusively until the lease ends; adds one to `attempt`. */
  claim: { from: ['PENDING'], to: 'IN_PROGRESS' },
  /** The clock: the lease ran out, so its worker is presumed dead. */
  rescue: { from: ['IN_PROGRESS'], to: 'PENDING' },
  /** The clock: the lease ran out once too often. */
  lose: { from: ['IN_PROGRESS'], to: 'FAILED' },
  complete: { from: ['IN_PROGRESS'], to: 'COMPLETED' },
  /** Attempts are left: back to its queue after a delay. */
  reschedule: { from: ['IN_PROGRESS'], to: 'PENDING' },
  fail: { from: ['IN_PROGRESS'], to: 'FAILED' },
  /** The clock: it was to begin by now. */
  expire: { from: ['NEW', 'PENDING', 'PAUSED'], to: 'CANCELLED' },
  /** A person ends what waits for one. */
  settle: { from: ['PENDING'], to: 'COMPLETED', failTo: 'FAILED' },
  /** A running handler is aborted, and what it still returns is refused. */
  cancel: { from: UNFINISHED, to: 'CANCELLED', repeatsIn: ['CANCELLED'] },
  /** The clock leaves it alone until it is resumed. */
  pause: { from: ['NEW', 'PENDING'], to: 'PAUSED', repeatsIn: ['PAUSED'] },
  resume: {
    from: ['PAUSED'],
    to: 'PENDING',
    ifScheduled: 'NEW',
    repeatsIn: ['NEW', 'PENDING', 'IN_PROGRESS'],
  },
  /** As many attempts again as it was submitted with. `attempt` goes on counting. */
  retry: { from: ['FAILED', 'CANCELLED'], to: 'PENDING' },
  /** Title and description. */
  edit: { from: STATUSES, to: null },
  /** Another priority is another queue, so only before it runs. */
  reprioritize: { from: ['NEW', 'PENDING', 'PAUSED'], to: null },
  delete: { from: NOT_RUNNING, to: null },
} as const satisfies Record<string, Transition>;
export type TransitionName = keyof typeof lifecycle;

/** The commands on one task, or on all that a filter finds. */
export const COMMANDS = ['cancel', 'pause', 'resume', 'retry', 'delete'] as const;
export type CommandName = (typeof COMMANDS)[number];

/** Whether a task in this status may take this transition. */
export const allows = (name: TransitionName, status: Status): boolean =>
  (lifecycle[name].from as readonly Status[]).includes(status);

/** Whether the command has nothing left to do in this status, and repeating it is no error. */
export const isRepeatable = (name: TransitionName, status: Status): boolean => {
  const { repeatsIn = [] }: Transition = lifecycle[name];
  return repeatsIn.includes(status);
};

/** A lease outlives the handler's timeout by this much, for the outcome to be recorded … */
export const LEASE_MARGIN_MS = 10_000;
/** … but no lease is longer than this: a task that runs longer renews it at half time. */
export const MAX_LEASE_MS = 60_000;

/** The exclusive time of one claim, in ms. */
export const computeLeaseMs = (timeoutMs: number): number =>
  Math.min(timeoutMs + LEASE_MARGIN_MS, MAX_LEASE_MS);
