import { Hono } from 'hono';
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
import type { AppContext, AppEnv } from '../context.ts';
import { docs } from '../middleware/docs.ts';
import { limit } from '../middleware/limit.ts';
import { scope } from '../middleware/scope.ts';
import { json, query } from '../middleware/validate.ts';
import { orUnavailable, readTask, readTaskId, TASK_ID } from '../read-task.ts';
import { SUBMIT_ERRORS, submitTask } from '../submit-tasks.ts';
import {
  API_KINDS,
  API_STATES,
  apiListQuery,
  apiTaskAccepted,
  apiTaskBody,
  apiTaskList,
  apiTaskSchema,
  purgeAnswer,
  type ApiKind,
  type ApiState,
} from './api-task-schema.ts';

/** This API's word for each priority, and ours for each of its. */
const PRIORITY_WORDS = {
  HIGH: 'high',
  MEDIUM: 'normal',
  LOW: 'low',
} as const satisfies Record<Priority, string>;
const PRIORITIES = { high: 'HIGH', normal: 'MEDIUM', low: 'LOW' } as const;

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

const toStateFilter = (state: ApiState): TaskFilter => {
  if (state === 'RETRY') return { statuses: ['PENDING'], retrying: true };
  const statuses = STATUSES.filter((status) => STATES[status] === state);
  return { statuses, ...(state === 'PENDING' && { retrying: false }) };
};

/**
 * `active` runs, `reserved` waits in a queue, `scheduled` waits for a time, `completed` is final.
 */
const toKindFilter = (kind: ApiKind, now: number): TaskFilter => {
  if (kind === 'active') return { statuses: ['IN_PROGRESS'] };
  if (kind === 'reserved') return { statuses: ['PENDING', 'PAUSED'], ahead: { now, is: false } };
  if (kind === 'scheduled') return { statuses: ['NEW', 'PENDING'], ahead: { now, is: true } };
  return { statuses: FINAL_STATUSES };
};

/** Tasks that fit both; null when none can. */
const intersectFilters = (a: TaskFilter, b: TaskFilter): TaskFilter | null => {
  const shared = a.statuses?.filter((each) => b.statuses?.includes(each) ?? true);
  const statuses = shared ?? b.statuses;
  return statuses?.length === 0 ? null : { ...a, ...b, statuses };
};

const toApiTask = (task: Task) => {
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

/** The list shows the newest ones. */
const SHOWN = 100;

const list = async (c: AppContext, state: ApiState | null, type: ApiKind | null) => {
  const { search, now } = c.get('services');
  const owner = c.get('owner');
  const filter = intersectFilters(
    state ? toStateFilter(state) : {},
    type ? toKindFilter(type, now()) : {},
  );
  const [page, counted] = filter
    ? await orUnavailable(c, () =>
        Promise.all([search.page(owner, filter, { limit: SHOWN }), search.count(owner, filter)]),
      )
    : [{ tasks: [] }, { total: 0 }];
  return {
    tasks: page.tasks.map((task) => ({ task_id: task.id, ...toApiTask(task) })),
    total: counted.total,
    filters: { state, type },
    available_filters: {
      states: API_STATES.filter((each) => each !== 'REVOKED'),
      types: API_KINDS,
    },
  };
};

const summarizePurge = (tasks: readonly PurgedTask[], now: number) => {
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

/** `/api/tasks`: another older API, as a thin adapter. */
export const apiTaskRoutes = new Hono<AppEnv>()
  .post(
    '/',
    docs({
      id: 'apiSubmitTask',
      tag: 'Older APIs',
      summary: 'Submit a task',
      answers: { 202: { description: 'Stored', body: apiTaskAccepted } },
      errors: SUBMIT_ERRORS,
      examples: {
        data: {
          task_type: 'data_processing',
          priority: 'high',
          parameters: { data: 'example data' },
        },
      },
    }),
    scope('tasks:write'),
    limit('writes'),
    json(apiTaskBody),
    async (c) => {
      const { task_type, priority, parameters } = c.req.valid('json');
      const request = { type: task_type, params: parameters, priority: PRIORITIES[priority] };
      const { task } = await submitTask(c, request, { type: 'task_type', params: 'parameters' });
      const message = 'Task has been submitted successfully';
      const queue = `${PRIORITY_WORDS[task.priority]}_priority`;
      return c.json({ task_id: task.id, status: 'submitted', message, queue }, 202);
    },
  )

  .get(
    '/',
    docs({
      id: 'apiListTasks',
      tag: 'Older APIs',
      summary: 'List the newest 100 tasks',
      answers: { 200: { description: 'The tasks', body: apiTaskList } },
    }),
    scope('tasks:read'),
    query(apiListQuery),
    async (c) => {
      const { state = null, type = null } = c.req.valid('query');
      return c.json(await list(c, state, type));
    },
  )

  .post(
    '/purge',
    docs({
      id: 'apiPurgeTasks',
      tag: 'Older APIs',
      summary: 'Cancel and delete all tasks',
      answers: { 200: { description: 'What was there', body: purgeAnswer } },
    }),
    scope('admin'),
    limit('writes'),
    async (c) => {
      const { commands, now } = c.get('services');
      const owner = c.get('owner');
      const tasks = await orUnavailable(c, () => commands.purge(owner));
      c.get('log').warn('tasks_purged', { owner, tasks: tasks.length });
      const message = 'All task history has been purged';
      return c.json({ status: 'success', message, details: summarizePurge(tasks, now()) });
    },
  )

  .get(
    '/:id',
    docs({
      id: 'apiGetTask',
      tag: 'Older APIs',
      summary: 'Get the state of a task',
      params: TASK_ID,
      answers: { 200: { description: 'Its state', body: apiTaskSchema } },
      errors: ['task_not_found'],
    }),
    scope('tasks:read'),
    async (c) => c.json(toApiTask(await readTask(c, readTaskId(c)))),
  );
