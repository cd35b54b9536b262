/** The closed lists of words that tables, API and page share. */

export const STATUSES = [
  'NEW',
  'PENDING',
  'IN_PROGRESS',
  'PAUSED',
  'COMPLETED',
  'FAILED',
  'CANCELLED',
] as const;
export type Status = (typeof STATUSES)[number];

export const FINAL_STATUSES = ['COMPLETED', 'FAILED', 'CANCELLED'] as const satisfies Status[];

export const isFinal = (status: Status): boolean =>
  (FINAL_STATUSES as readonly Status[]).includes(status);

export const PRIORITIES = ['HIGH', 'MEDIUM', 'LOW'] as const;
export type Priority = (typeof PRIORITIES)[number];

/**
 * A type that may wait longer than a few seconds for other services belongs in `external`. What the
 * owner's workers run, and what people end, goes through no queue of ours.
 */
export const LANES = ['default', 'external', 'worker', 'manual'] as const;
export type Lane = (typeof LANES)[number];

/**
 * Where a delivery goes: to the task's own `callback_url`, or to the operator, who named a sink for
 * every failure.
 */
export const DELIVERY_SINKS = ['callback', 'failure_webhook', 'failure_email'] as const;
export type DeliverySink = (typeof DELIVERY_SINKS)[number];

export const DELIVERY_STATES = ['OPEN', 'DELIVERED', 'GIVEN_UP'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** What a delivery tells of. */
export const DELIVERY_SUBJECTS = ['task', 'flow'] as const;

/** After this many rescues an expired lease means FAILED with code `lost`. */
export const MAX_RESCUES = 3;

/**
 * Why a task is not in its queue: it waits for its time, its queue is paused, or a worker has it
 * under a lease.
 */
export const HELD_REASONS = [
  'time',
  'queue',
  'lease',
  'worker',
  'person',
  'limit',
  'flow',
] as const;
export type HeldReason = (typeof HELD_REASONS)[number];

/** What becomes of a flow's other tasks when one fails, or is cancelled. */
export const ON_FAILURE = ['stop', 'continue'] as const;
export type OnFailure = (typeof ON_FAILURE)[number];

/** How a flow stands. */
export const FLOW_STATUSES = [
  'PENDING',
  'IN_PROGRESS',
  ...FINAL_STATUSES,
] as const satisfies Status[];
export type FlowStatus = (typeof FLOW_STATUSES)[number];

/** What a schedule does while the task before has not ended. */
export const OVERLAPS = ['allow', 'skip', 'cancel_previous', 'queue_one'] as const;
export type Overlap = (typeof OVERLAPS)[number];

/** Which of the moments that were missed are made up for. */
export const CATCH_UPS = ['none', 'latest', 'all'] as const;
export type CatchUp = (typeof CATCH_UPS)[number];
