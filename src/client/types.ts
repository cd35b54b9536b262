// The contract as programs see it. It stands by itself, so that the package needs nothing else; a
// test holds it against the service's own types.

import type { LimitOptions, UniqueOptions, WaitingFor } from './limit-types.ts';

export type Status =
  'NEW' | 'PENDING' | 'IN_PROGRESS' | 'PAUSED' | 'COMPLETED' | 'FAILED' | 'CANCELLED';
export type Priority = 'HIGH' | 'MEDIUM' | 'LOW';

/**
 * The task types of a service, each with its parameters. Empty, a task may have any type and any
 * parameters; `tasker types > tasker.d.ts` declares those of a service.
 */
// oxlint-disable-next-line typescript/no-empty-object-type -- to be merged with what is declared.
export interface TaskTypes {}

type KnownType = Extract<keyof TaskTypes, string>;

interface TaskOptions {
  title?: string | null;
  description?: string | null;
  /** `MEDIUM` unless given. */
  priority?: Priority | 'high' | 'medium' | 'normal' | 'low';
  tags?: string[];
  delay_seconds?: number;
  /** ISO 8601. */
  scheduled_at?: string;
  max_attempts?: number;
  timeout_seconds?: number;
  callback_url?: string | null;
  /** How many of its kind run at once, and how fast they begin. */
  limit?: LimitOptions;
  /** What no other task may be beside. */
  unique?: UniqueOptions;
  /** Not begun by then, it is cancelled. */
  expires_in_seconds?: number;
  /** False: run it, whatever output is there already. */
  reuse?: boolean;
  /** The task that this one runs again, to link the two. */
  rerun_of?: string | null;
}

/** A task to be submitted. */
export type NewTask = [KnownType] extends [never]
  ? TaskOptions & { type: string; params?: object }
  : { [Type in KnownType]: TaskOptions & { type: Type } & TaskTypes[Type] }[KnownType];

export interface TaskFailure {
  code: string;
  message: string;
}

/** A task as the service answers it. Times are ISO 8601, UTC. */
export interface TaskView {
  task_id: string;
  type: string;
  title: string | null;
  description: string | null;
  priority: Priority;
  status: Status;
  queue: string;
  params: unknown;
  result: unknown;
  error: (TaskFailure & { attempt: number; at: string }) | null;
  progress: { fraction: number; note: string | null } | null;
  attempt: number;
  max_attempts: number;
  tags: string[];
  callback_url: string | null;
  /** The task whose output this one was answered with, without being run. */
  reused_from: string | null;
  /** The task that this one ran again. */
  rerun_of: string | null;
  /** The task by whose run it was submitted. */
  parent_id: string | null;
  schedule_id: string | null;
  scheduled_for: string | null;
  /** The limit that it runs under. */
  limit: { key: string; sub_key: string | null } | null;
  expires_at: string | null;
  /** Why it was cancelled without having been asked to. */
  end_reason: 'expired' | 'upstream_failed' | null;
  /** The flow that it belongs to, its name there, and its place among those that `for_each` made. */
  flow_id: string | null;
  node: string | null;
  item: number | null;
  submitted_at: string;
  scheduled_at: string | null;
  started_at: string | null;
  completed_at: string | null;
  updated_at: string;
  version: number;
}

/** A task in the frames of the whole list. */
export type TaskSummary = Omit<TaskView, 'params' | 'result'>;

export interface Attempt {
  attempt: number;
  started_at: string | null;
  ended_at: string;
  outcome: 'completed' | 'failed' | 'retried' | 'continued' | 'snoozed' | 'rescued' | 'cancelled';
  error: TaskFailure | null;
  /** Where it was thrown; of the newest few. */
  stack?: string | undefined;
}

export interface Delivery {
  id: string;
  sink: 'callback' | 'failure_webhook' | 'failure_email';
  status: 'COMPLETED' | 'FAILED' | 'CANCELLED';
  state: 'OPEN' | 'DELIVERED' | 'GIVEN_UP';
  tries: number;
  last_error: string | null;
  owed_at: string;
  next_try_at: string | null;
  ended_at: string | null;
}

/** A task with its history. */
export interface TaskDetail extends TaskView {
  attempts: Attempt[];
  rescues: number;
  /** W3C trace context that it was submitted with. */
  traceparent: string | null;
  waiting_for: WaitingFor | null;
  deliveries: Delivery[];
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** A line of a run's log. */
export interface LogLine {
  at: string;
  level: LogLevel;
  message: string;
  fields: Record<string, unknown> | null;
}

/** The log of one attempt. */
export interface TaskLogs {
  task_id: string;
  /** Null: no attempt wrote anything. */
  attempt: number | null;
  lines: LogLine[];
  /** Lines that were not kept: an attempt has 1 000, and 64 KB. */
  cut: number;
  attempts: { attempt: number; lines: number }[];
}

/** A type that your own code runs, or a person ends. */
export interface TypeDefinition {
  description: string;
  run:
    | { endpoint: { url: string } }
    | { worker: Record<string, never> }
    | { manual: Record<string, never> };
  /** JSON Schema of the parameters. */
  params?: object;
  /** JSON Schema of the result. */
  result?: object;
  example?: object;
  max_attempts?: number;
  base_seconds?: number;
  max_seconds?: number;
  timeout_seconds?: number;
  reuse_seconds?: number;
  cache_ttl_seconds?: number;
  /** The limit that its tasks run under. */
  limit?: LimitOptions;
}

/** A type as the service has it. */
export interface RegisteredType {
  type: string;
  description: string;
  kind: 'built_in' | 'endpoint' | 'worker' | 'manual';
  run: TypeDefinition['run'] | null;
  paused_until: string | null;
  registered_at: string | null;
  /** What requests to a new endpoint are signed with; shown once. */
  secret?: string;
}
