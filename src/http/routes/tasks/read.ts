import { Hono } from 'hono';
import { toFilter } from '../../../domain/filter-schema.ts';
import { toTaskDetail, toTaskView } from '../../../domain/view.ts';
import type { AppEnv } from '../../context.ts';
import { docs } from '../../middleware/docs.ts';
import { answerHead } from '../../middleware/head.ts';
import { scope } from '../../middleware/scope.ts';
import { query } from '../../middleware/validate.ts';
import {
  orUnavailable,
  readTask,
  readTaskId,
  refuseUnknownTask,
  TASK_ID,
} from '../../read-task.ts';
import { listFilters, listQuery } from './list-query.ts';
import { taskDetailSchema, taskListSchema, taskStatusSchema } from './task-schema.ts';

const toTotals = ({ total, capped }: { total: number; capped: boolean }, pageSize: number) => ({
  total_pages: Math.ceil(total / pageSize),
  total_tasks: total,
  ...(capped && { total_capped: true }),
});

const ONE = { tag: 'Tasks', params: TASK_ID, errors: ['task_not_found'] } as const;

/** Reading tasks. */
export const readRoutes = new Hono<AppEnv>()
  .get(
    '/',
    docs({
      id: 'listTasks',
      tag: 'Tasks',
      summary: 'List tasks, newest first',
      description:
        'Filters combine; `params.<path>=value` and `result.<path>=value` look inside, for example ' +
        '`params.city=Lisbon`. By `page` the totals are exact up to 10 000; by `cursor` every page ' +
        'costs the same. Where no index helps, 10 000 tasks are looked at, and `truncated` says ' +
        'that there may be more.',
      answers: { 200: { description: 'One page', body: taskListSchema } },
    }),
    scope('tasks:read'),
    query(listQuery, listFilters),
    answerHead(),
    async (c) => {
      const written = c.req.valid('query');
      const { page = 1, page_size, cursor } = written;
      const { search, catalog } = c.get('services');
      const owner = c.get('owner');
      // By any of its names.
      const filter = toFilter(written, (name) => catalog.find(owner, name)?.type ?? name);
      const isPaged = cursor === undefined;
      const offset = isPaged ? (page - 1) * page_size : 0;
      const window = { limit: page_size, before: cursor || undefined, offset };
      const [found, counted] = await orUnavailable(c, () =>
        Promise.all([
          search.page(owner, filter, window),
          isPaged ? search.count(owner, filter) : null,
        ]),
      );
      const pagination = {
        ...(isPaged && { current_page: page }),
        page_size,
        ...(counted && toTotals(counted, page_size)),
        ...(found.truncated && { truncated: true }),
        next_cursor: found.next,
      };
      return c.json({ pagination, tasks: found.tasks.map(toTaskView) });
    },
  )

  .get(
    '/:id',
    docs({
      ...ONE,
      id: 'getTask',
      summary: 'Get a task with its attempts',
      answers: {
        200: {
          description: 'The task',
          body: taskDetailSchema,
          headers: { 'X-Cache': '`HIT` or `MISS`, once it is final' },
        },
      },
    }),
    scope('tasks:read'),
    async (c) => {
      const task = await readTask(c, readTaskId(c));
      // Most tasks have no deliveries, and cost no further read.
      const mayHaveDeliveries = task.callback_url !== null || task.failure_sinks !== null;
      const { deliveryStore } = c.get('services');
      const deliveries = mayHaveDeliveries
        ? await orUnavailable(c, () => deliveryStore.listByTask(task.owner, task.id))
        : [];
      return c.json(toTaskDetail(task, deliveries));
    },
  )

  .get(
    '/:id/status',
    docs({
      ...ONE,
      id: 'getTaskStatus',
      summary: 'Get how far a task is',
      answers: { 200: { description: 'Its status', body: taskStatusSchema } },
    }),
    scope('tasks:read'),
    async (c) => {
      const id = readTaskId(c);
      const { store } = c.get('services');
      const task = await orUnavailable(c, () => store.get(c.get('owner'), id));
      if (!task) throw refuseUnknownTask(id);
      const { status, progress, attempt, max_attempts, version } = toTaskView(task);
      const names = { task_id: id, task_uuid: id };
      return c.json({ ...names, status, progress, attempt, max_attempts, version });
    },
  );
