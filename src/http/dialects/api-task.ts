import type { TaskFilter } from '../../domain/filter.ts';
import type { Task } from '../../domain/task.ts';
import { toTaskView } from '../../domain/view.ts';
import {
  FINAL_STATUSES,
  isFinal,
  STATUSES,
  type Priority,
  type Status,
} from '../../domain/words.ts';
import type { PurgedTask } from '../../store/deletions.ts';
import type { ApiKind, ApiState } from './api-task-schema.ts';

// This API's words for what a task is, and ours for what it asks.

/** This API's word for each priority, and ours for each of its. */
export const PRIORITY_WORDS = {
  HIGH: 'high',
  MEDIUM: 'normal',
  LOW: 'low',
} as const satisfies Record<Priority, string>;
export const PRIORITY_OF_WORD = { high: 'HIGH', normal: 'MEDIUM', low: 'LOW' } as const;

/** The state of each status, before any attempt. */
const STATES: Record<Status, ApiState> = {
  NEW: 'PENDING',
  PENDING: 'PENDING',
  PAUSED: 'PENDING',
  IN_PROGRESS: 'STARTED',
  COMPLETED: 'SUCCESS',
  FAILED: 'FAILURE',
  CANCELLED: 'REVOKED',
};
const STATE_WORDS: Record<ApiState, string> = {
  PENDING: 'pending',
  STARTED: 'running',
  SUCCESS: 'completed',
  FAILURE: 'failed',
  RETRY: 'retrying',
  REVOKED: 'cancelled',
};

/** A task that waits after an attempt is one that is retried. */
const toState = ({ status, attempt }: Task): ApiState =>
  status === 'PENDING' && attempt > 0 ? 'RETRY' : STATES[status];

export const toStateFilter = (state: ApiState): TaskFilter => {
  if (state === 'RETRY') return { statuses: ['PENDING'], retrying: true };
  const statuses = STATUSES.filter((status) => STATES[status] === state);
  return { statuses, ...(state === 'PENDING' && { retrying: false }) };
};

/**
 * `active` runs, `reserved` waits in a queue, `scheduled` waits for a time, `completed` is final.
 */
export const toKindFilter = (kind: ApiKind, now: number): TaskFilter => {
  if (kind === 'active') return { statuses: ['IN_PROGRESS'] };
  if (kind === 'reserved') return { statuses: ['PENDING', 'PAUSED'], ahead: { now, is: false } };
  if (kind === 'scheduled') return { statuses: ['NEW', 'PENDING'], ahead: { now, is: true } };
  return { statuses: FINAL_STATUSES };
};

/** Tasks that fit both; null when none can. */
export const intersectFilters = (a: TaskFilter, b: TaskFilter): TaskFilter | null => {
  const shared = a.statuses?.filter((each) => b.statuses?.includes(each) ?? true);
  const statuses = shared ?? b.statuses;
  return statuses?.length === 0 ? null : { ...a, ...b, statuses };
};

export const toApiTask = (task: Task) => {
  const state = toState(task);
  const { result, error } = toTaskView(task);
  return {
    state,
    status: {
      priority: PRIORITY_WORDS[task.priority],
      ...(state === 'SUCCESS' && { result }),
      ...(state === 'FAILURE' && { error: error?.message ?? '' }),
      status: STATE_WORDS[state],
      task_type: task.alias ?? task.type,
    },
  };
};

export const summarizePurge = (tasks: readonly PurgedTask[], now: number) => {
  const count = (fits: (task: PurgedTask) => boolean): number => tasks.filter(fits).length;
  const isScheduled = ({ status, scheduled_at }: PurgedTask): boolean =>
    status === 'NEW' || (status === 'PENDING' && (scheduled_at ?? 0) > now);
  const isReserved = (task: PurgedTask): boolean =>
    (task.status === 'PENDING' || task.status === 'PAUSED') && !isScheduled(task);
  return {
    active_tasks_revoked: count(({ status }) => status === 'IN_PROGRESS'),
    reserved_tasks_revoked: count(isReserved),
    scheduled_tasks_revoked: count(isScheduled),
    redis_keys_cleared: count(({ status }) => isFinal(status)),
  };
};
