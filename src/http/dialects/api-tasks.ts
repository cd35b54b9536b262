import { Hono } from 'hono';
import { isFinal, type Priority, type Status, type Task } from '../../domain/task.ts';
import { toTaskView } from '../../domain/view.ts';
import type { TaskFilter } from '../../domain/filter.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { describe } from '../openapi/operation.ts';
import { asking, readTask, taskId } from '../read-task.ts';
import * as answers from '../responses.ts';
import { API_STATES, API_TYPES, apiListQuery, apiTaskBody } from '../schemas.ts';
import { submit, SUBMIT_ERRORS } from '../submit.ts';
import { jsonBody, query } from '../validate.ts';

type State = (typeof API_STATES)[number];
type Kind = (typeof API_TYPES)[number];

/** This API's word for each priority, and ours for each of its. */
const WORD = { HIGH: 'high', MEDIUM: 'normal', LOW: 'low' } as const satisfies Record<
  Priority,
  string
>;
const PRIORITY = { high: 'HIGH', normal: 'MEDIUM', low: 'LOW' } as const;

const STATES: Record<Exclude<Status, 'PENDING'>, State> = {
  NEW: 'PENDING',
  PAUSED: 'PENDING',
  IN_PROGRESS: 'STARTED',
  COMPLETED: 'SUCCESS',
  FAILED: 'FAILURE',
  CANCELLED: 'REVOKED',
};
const STATE_WORDS = {
  PENDING: 'pending',
  STARTED: 'running',
  SUCCESS: 'completed',
  FAILURE: 'failed',
  RETRY: 'retrying',
  REVOKED: 'cancelled',
} as const satisfies Record<State, string>;

/** A task that waits after an attempt is one that is retried. */
const stateOf = ({ status, attempt }: Task): State =>
  status === 'PENDING' ? (attempt > 0 ? 'RETRY' : 'PENDING') : STATES[status];

const BY_STATE: Record<State, TaskFilter> = {
  PENDING: { statuses: ['NEW', 'PENDING', 'PAUSED'], retrying: false },
  STARTED: { statuses: ['IN_PROGRESS'] },
  SUCCESS: { statuses: ['COMPLETED'] },
  FAILURE: { statuses: ['FAILED'] },
  RETRY: { statuses: ['PENDING'], retrying: true },
  REVOKED: { statuses: ['CANCELLED'] },
};

/** `active` runs, `reserved` waits in a queue, `scheduled` waits for a time, `completed` is final. */
const byKind = (now: number): Record<Kind, TaskFilter> => ({
  active: { statuses: ['IN_PROGRESS'] },
  reserved: { statuses: ['PENDING', 'PAUSED'], ahead: { now, is: false } },
  scheduled: { statuses: ['NEW', 'PENDING'], ahead: { now, is: true } },
  completed: { statuses: ['COMPLETED', 'FAILED', 'CANCELLED'] },
});

/** Tasks that fit both; null when none can. */
const both = (a: TaskFilter, b: TaskFilter): TaskFilter | null => {
  const statuses =
    a.statuses && b.statuses
      ? a.statuses.filter((each) => b.statuses?.includes(each))
      : (a.statuses ?? b.statuses);
  return statuses?.length === 0 ? null : { ...a, ...b, statuses };
};

const viewOfState = (task: Task) => {
  const state = stateOf(task);
  const { result, error } = toTaskView(task);
  return {
    state,
    status: {
      priority: WORD[task.priority],
      ...(state === 'SUCCESS' && { result }),
      ...(state === 'FAILURE' && { error: error?.message ?? '' }),
      status: STATE_WORDS[state],
      task_type: task.alias ?? task.type,
    },
  };
};

/** The list shows the newest ones. */
const SHOWN = 100;

const list = async (c: AppContext, state: State | null, type: Kind | null) => {
  const { search, now } = c.get('services');
  const filter = both(state ? BY_STATE[state] : {}, type ? byKind(now())[type] : {});
  const [page, counted] = filter
    ? await asking(c, () =>
        Promise.all([
          search.page(c.get('owner'), filter, { limit: SHOWN }),
          search.count(c.get('owner'), filter),
        ]),
      )
    : [{ tasks: [] }, { total: 0 }];
  return {
    tasks: page.tasks.map((task) => ({ task_id: task.id, ...viewOfState(task) })),
    total: counted.total,
    filters: { state, type },
    available_filters: {
      states: API_STATES.filter((each) => each !== 'REVOKED'),
      types: API_TYPES,
    },
  };
};

/** `/api/tasks`: another older API, as a thin adapter. */
export const apiTasks = new Hono<AppEnv>()
  .post(
    '/',
    describe({
      id: 'apiSubmitTask',
      access: 'tasks:write',
      tag: 'Older APIs',
      summary: 'Submit a task',
      answers: { 202: { description: 'Stored', body: answers.apiTaskAccepted } },
      errors: SUBMIT_ERRORS,
      examples: {
        data: {
          task_type: 'data_processing',
          priority: 'high',
          parameters: { data: 'example data' },
        },
      },
    }),
    jsonBody(apiTaskBody),
    async (c) => {
      const { task_type, priority, parameters } = c.req.valid('json');
      const request = { type: task_type, params: parameters, priority: PRIORITY[priority] };
      const { task } = await submit(c, request, { type: 'task_type', params: 'parameters' });
      const message = 'Task has been submitted successfully';
      return c.json(
        {
          task_id: task.id,
          status: 'submitted',
          message,
          queue: `${WORD[task.priority]}_priority`,
        },
        202,
      );
    },
  )

  .get(
    '/',
    describe({
      id: 'apiListTasks',
      access: 'tasks:read',
      tag: 'Older APIs',
      summary: 'List the newest 100 tasks',
      answers: { 200: { description: 'The tasks', body: answers.apiTaskList } },
    }),
    query(apiListQuery),
    async (c) => {
      const { state = null, type = null } = c.req.valid('query');
      return c.json(await list(c, state, type));
    },
  )

  .post(
    '/purge',
    describe({
      id: 'apiPurgeTasks',
      access: 'admin',
      tag: 'Older APIs',
      summary: 'Cancel and delete all tasks',
      answers: { 200: { description: 'What was there', body: answers.purged } },
    }),
    async (c) => {
      const tasks = await asking(c, () => c.get('services').commands.purge(c.get('owner')));
      const now = c.get('services').now();
      const count = (fits: (task: (typeof tasks)[number]) => boolean): number =>
        tasks.filter(fits).length;
      const isScheduled = ({ status, scheduled_at }: (typeof tasks)[number]): boolean =>
        status === 'NEW' || (status === 'PENDING' && (scheduled_at ?? 0) > now);
      c.get('log').warn('tasks_purged', { owner: c.get('owner'), tasks: tasks.length });
      return c.json({
        status: 'success',
        message: 'All task history has been purged',
        details: {
          active_tasks_revoked: count(({ status }) => status === 'IN_PROGRESS'),
          reserved_tasks_revoked: count(
            (task) => ['PENDING', 'PAUSED'].includes(task.status) && !isScheduled(task),
          ),
          scheduled_tasks_revoked: count(isScheduled),
          redis_keys_cleared: count(({ status }) => isFinal(status)),
        },
      });
    },
  )

  .get(
    '/:id',
    describe({
      id: 'apiGetTask',
      access: 'tasks:read',
      tag: 'Older APIs',
      summary: 'Get the state of a task',
      answers: { 200: { description: 'Its state', body: answers.apiTask } },
    }),
    async (c) => c.json(viewOfState(await readTask(c, taskId(c)))),
  );
