import {
  isFinal,
  type DeliverySink,
  type DeliveryState,
  type Priority,
  type Status,
} from './words.ts';
import type { Attempt } from './attempts.ts';
import { toBodyView } from './body.ts';
import { toDeliveryId, type Delivery } from './delivery.ts';
import type { WaitingFor } from './waiting.ts';
import { readScheduleKey } from './schedule-key.ts';
import type { Task, TaskError, TaskSummaryRow } from './task.ts';

/** A task as the contract shows it: ISO times, parsed JSON. */
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
  error: (TaskError & { attempt: number; at: string }) | null;
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
  /** The schedule that submitted it, … */
  schedule_id: string | null;
  /** … and the moment for which it did; null for one that somebody asked for. */
  scheduled_for: string | null;
  /** The limit that it runs under. */
  limit: { key: string; sub_key: string | null } | null;
  /** Not begun by then, it is cancelled. */
  expires_at: string | null;
  /** Why it was cancelled, where no request did it. */
  end_reason: 'expired' | 'upstream_failed' | null;
  /** The flow whose task it is, the node there, and its place among several of one node. */
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

/** `GET /tasks/{id}`: the task with its history. */
export interface TaskDetail extends TaskView {
  attempts: (Omit<Attempt, 'started_at' | 'ended_at'> & {
    started_at: string | null;
    ended_at: string;
  })[];
  rescues: number;
  /** W3C trace context that it was submitted with. */
  traceparent: string | null;
  /** Why it does not run; null when it runs, or has ended. */
  waiting_for: WaitingFor | null;
  /** Notifications that were owed at its ends, oldest first. */
  deliveries: DeliveryView[];
}

/**
 * One notification. `next_try_at` while it is open; `ended_at` once it was delivered or given up.
 */
export interface DeliveryView {
  id: string;
  sink: DeliverySink;
  status: Delivery['status'];
  state: DeliveryState;
  tries: number;
  last_error: string | null;
  owed_at: string;
  next_try_at: string | null;
  ended_at: string | null;
}

/** A task in the list's live frames. */
export type TaskSummary = Omit<TaskView, 'params' | 'result'>;

const iso = (ms: number): string => new Date(ms).toISOString();
const toIsoOrNull = (ms: number | null): string | null => (ms === null ? null : iso(ms));
const parseAttempts = (task: TaskSummaryRow): Attempt[] => JSON.parse(task.attempts) as Attempt[];

const parseProgress = (text: string): TaskView['progress'] =>
  JSON.parse(text) as TaskView['progress'];

/** The last failure: kept while retrying and in FAILED, gone once the task has completed. */
const findLastError = (task: TaskSummaryRow, attempts: Attempt[]): TaskView['error'] => {
  if (task.status === 'COMPLETED') return null;
  const last = attempts.findLast(({ error }) => error !== null);
  return last?.error ? { ...last.error, attempt: last.attempt, at: iso(last.ended_at) } : null;
};

/** Who submitted it by itself, as the view has it. */
const toOrigin = ({
  parent_id,
  idempotency_key,
}: TaskSummaryRow): Pick<TaskView, 'parent_id' | 'schedule_id' | 'scheduled_for'> => {
  const made = readScheduleKey(idempotency_key);
  if (!made) return { parent_id, schedule_id: null, scheduled_for: null };
  const { scheduleId, scheduledFor } = made;
  return { parent_id: null, schedule_id: scheduleId, scheduled_for: toIsoOrNull(scheduledFor) };
};

/** The row as a view, `params` and `result` left out. */
export const toSummary = (task: TaskSummaryRow): TaskSummary => ({
  task_id: task.id,
  type: task.type,
  title: task.title,
  description: task.description,
  priority: task.priority,
  status: task.status,
  queue: task.queue,
  error: findLastError(task, parseAttempts(task)),
  // What has ended has no way to go any more.
  progress: task.progress === null || isFinal(task.status) ? null : parseProgress(task.progress),
  attempt: task.attempt,
  max_attempts: task.max_attempts,
  tags: JSON.parse(task.tags) as string[],
  callback_url: task.callback_url,
  reused_from: task.reused_from,
  rerun_of: task.rerun_of,
  ...toOrigin(task),
  limit:
    task.limit_key === null
      ? null
      : { key: task.limit_key, sub_key: task.sub_key === '' ? null : task.sub_key },
  expires_at: toIsoOrNull(task.expires_at),
  end_reason: task.end_reason,
  flow_id: task.flow_id,
  node: task.node,
  item: task.item,
  submitted_at: iso(task.submitted_at),
  scheduled_at: toIsoOrNull(task.scheduled_at),
  started_at: toIsoOrNull(task.started_at),
  completed_at: toIsoOrNull(task.completed_at),
  updated_at: iso(task.updated_at),
  version: task.version,
});

/** The row as the contract's task. */
export const toTaskView = (task: Task): TaskView => {
  const { task_id, type, title, description, priority, status, queue, ...rest } = toSummary(task);
  const params = toBodyView(task.params, `/tasks/${task_id}/params`);
  const result = task.result === null ? null : toBodyView(task.result, `/tasks/${task_id}/result`);
  return { task_id, type, title, description, priority, status, queue, params, result, ...rest };
};

/** A delivery as answers have it. */
export const toDeliveryView = (delivery: Delivery): DeliveryView => ({
  id: toDeliveryId(delivery),
  sink: delivery.sink,
  status: delivery.status,
  state: delivery.state,
  tries: delivery.tries,
  last_error: delivery.last_error,
  owed_at: iso(delivery.owed_at),
  next_try_at: delivery.state === 'OPEN' ? iso(delivery.due_at) : null,
  ended_at: toIsoOrNull(delivery.ended_at),
});

/** The row as `GET /tasks/{id}` answers it. */
export const toTaskDetail = (
  task: Task,
  deliveries: readonly Delivery[],
  waitingFor: WaitingFor | null,
): TaskDetail => ({
  ...toTaskView(task),
  attempts: parseAttempts(task).map((entry) => ({
    ...entry,
    started_at: toIsoOrNull(entry.started_at),
    ended_at: iso(entry.ended_at),
  })),
  rescues: task.rescues,
  traceparent: task.traceparent,
  waiting_for: waitingFor,
  deliveries: deliveries.map(toDeliveryView),
});
