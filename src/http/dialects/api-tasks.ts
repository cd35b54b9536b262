import { Hono } from 'hono';
import type { AppContext, AppEnv } from '../context.ts';
import { docs } from '../middleware/docs.ts';
import { answerHead } from '../middleware/head.ts';
import { limit } from '../middleware/limit.ts';
import { scope } from '../middleware/scope.ts';
import { json, query } from '../middleware/validate.ts';
import { readHeavy } from '../read-heavy.ts';
import { orUnavailable, readTask, readTaskId, TASK_ID } from '../read-task.ts';
import { recordAudit } from '../record-audit.ts';
import { SUBMIT_ERRORS, submitTask } from '../submit-tasks.ts';
import {
  intersectFilters,
  PRIORITY_OF_WORD,
  PRIORITY_WORDS,
  summarizePurge,
  toApiTask,
  toKindFilter,
  toStateFilter,
} from './api-task.ts';
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
    ? await readHeavy(c, { isSearch: false, rows: SHOWN }, async () => {
        const [found, total] = await Promise.all([
          search.page(owner, filter, { limit: SHOWN }),
          search.count(owner, filter),
        ]);
        return Object.assign([found, total] as const, { bytes: found.bytes });
      })
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
      const request = { type: task_type, params: parameters, priority: PRIORITY_OF_WORD[priority] };
      const { task } = await submitTask(c, request, {
        fields: { type: 'task_type', params: 'parameters' },
      });
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
    answerHead(),
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
      const { dispatcher, now } = c.get('services');
      const owner = c.get('owner');
      const tasks = await orUnavailable(c, () => dispatcher.purge(owner));
      await recordAudit(c, 'tasks.purged', owner, String(tasks.length));
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
