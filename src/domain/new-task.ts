import { toBodyText } from './body.ts';
import type { Priority } from './words.ts';
import { lifecycle } from './lifecycle.ts';
import type { Task } from './task.ts';

/**
 * What decides a new row. Times and durations are milliseconds; what is left out is null in the
 * row.
 */
export interface NewTaskFields {
  owner: string;
  id: string;
  type: string;
  alias?: string | null | undefined;
  queue: string;
  priority: Priority;
  params: unknown;
  maxAttempts: number;
  timeoutMs: number;
  title?: string | null | undefined;
  description?: string | null | undefined;
  tags?: string[] | undefined;
  scheduledAt?: number | null | undefined;
  requestId?: string | null | undefined;
  callbackUrl?: string | null | undefined;
  reuseKey?: string | null | undefined;
  idempotencyKey?: string | null | undefined;
  fingerprint?: string | null | undefined;
  rerunOf?: string | null | undefined;
  parentId?: string | null | undefined;
  traceparent?: string | null | undefined;
  limitKey?: string | null | undefined;
  subKey?: string | undefined;
  expiresAt?: number | null | undefined;
  uniqueKey?: string | null | undefined;
  uniqueMs?: number | null | undefined;
  /** See domain/identifiers.ts. */
  identifiers?: string[] | undefined;
}

/** The clock looks at a task that no consumer has claimed again after this long, at first. */
export const RESEND_AFTER_MS = 5_000;

/**
 * A message may wait in its queue for this long. Beyond it the clock waits: the age of a queue's
 * oldest message tells which messages were lost.
 */
export const MAX_QUEUE_DELAY_MS = 30_000;

/** Columns of what happens later, as they are in every new row. */
export const UNUSED = {
  slot: null,
  items: null,
  end_reason: null,
  created_by_key: null,
} as const satisfies Partial<Task>;

/** What a task of a flow has besides, as it is in every other row. */
export const FLOWLESS = {
  flow_id: null,
  node: null,
  blocked_by: null,
  template: null,
  item: null,
  for_each: null,
  delay_ms: null,
} as const satisfies Partial<Task>;
export type FlowPart = { [Column in keyof typeof FLOWLESS]: Task[Column] };

/** What a run may change, as it is in every new row. */
export const BORN = { snoozes: 0, checkpoint: null } as const satisfies Partial<Task>;

/**
 * The row of a task that was just submitted. One that may run now is born PENDING, with `wake_at` a
 * few seconds ahead: if its message is lost, the clock sends it again, and the usual case needs no
 * write for the hand-over to the queue.
 */
export const buildTask = (fields: NewTaskFields, now: number): Task => {
  const scheduledAt = fields.scheduledAt ?? null;
  const isDue = scheduledAt === null || scheduledAt <= now;
  return {
    ...UNUSED,
    ...FLOWLESS,
    ...BORN,
    owner: fields.owner,
    id: fields.id,
    type: fields.type,
    alias: fields.alias ?? null,
    queue: fields.queue,
    priority: fields.priority,
    status: isDue ? lifecycle.submit.to : lifecycle.submit.ifScheduled,
    // A lone surrogate has no UTF-8: the database would return something else than the answer to
    // the submit.
    title: fields.title?.toWellFormed() ?? null,
    description: fields.description?.toWellFormed() ?? null,
    params: toBodyText(fields.params),
    result: null,
    identifiers: fields.identifiers?.length ? JSON.stringify(fields.identifiers) : null,
    attempts: '[]',
    attempt: 0,
    max_attempts: fields.maxAttempts,
    attempt_budget: fields.maxAttempts,
    rescues: 0,
    version: 1,
    progress: null,
    tags: JSON.stringify(fields.tags ?? []),
    timeout_ms: fields.timeoutMs,
    callback_url: fields.callbackUrl ?? null,
    idempotency_key: fields.idempotencyKey ?? null,
    fingerprint: fields.fingerprint ?? null,
    reused_from: null,
    rerun_of: fields.rerunOf ?? null,
    parent_id: fields.parentId ?? null,
    traceparent: fields.traceparent ?? null,
    limit_key: fields.limitKey ?? null,
    sub_key: fields.subKey ?? '',
    turn: null,
    expires_at: fields.expiresAt ?? null,
    unique_key: fields.uniqueKey ?? null,
    unique_ms: fields.uniqueMs ?? null,
    request_id: fields.requestId ?? null,
    submitted_at: now,
    scheduled_at: scheduledAt,
    started_at: null,
    completed_at: null,
    updated_at: now,
    held: isDue ? null : 'time',
    wake_at: isDue ? now + RESEND_AFTER_MS : scheduledAt,
    failure_sinks: null,
    reuse_key: fields.reuseKey ?? null,
  };
};

/**
 * A task that needs no run, because `source` has the output already. Not itself a source: reuse
 * must not prolong an age.
 */
export const completeFrom = (task: Task, source: Task): Task => ({
  ...task,
  status: lifecycle.submit.ifReused,
  result: source.result,
  reused_from: source.id,
  reuse_key: null,
  completed_at: task.submitted_at,
  held: null,
  wake_at: null,
});
