import { createLimitReads } from '../../../store/limit-reads.ts';
import { createTaskSearch } from '../../../store/search.ts';
import { Hono } from 'hono';
import type { TaskFilter } from '../../../domain/filter.ts';
import { toFilter } from '../../../domain/filter-schema.ts';
import { toTaskDetail, toTaskView } from '../../../domain/view.ts';
import { findOpenBefore } from '../../../domain/flow-view.ts';
import type { LimitWait } from '../../../domain/limit-wait.ts';
import { hasScope } from '../../../domain/api-key.ts';
import type { Task } from '../../../domain/task.ts';
import { isQueueName, isWorkerQueue } from '../../../domain/routing.ts';
import {
  describeWaiting,
  waitsForQueue,
  type QueueWait,
  type TypeWait,
  type WaitingFor,
} from '../../../domain/waiting.ts';
import type { AppContext, AppEnv } from '../../context.ts';
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
  toLiveView,
} from '../../read-task.ts';
import { readHeavy } from '../../read-heavy.ts';
import { waitForCompletion } from './prefer.ts';
import { listFilters, listQuery } from './list-query.ts';
import { taskDetailSchema, taskListSchema, taskStatusSchema } from './task-schema.ts';

const toTotals = ({ total, capped }: { total: number; capped: boolean }, pageSize: number) => ({
  total_pages: Math.ceil(total / pageSize),
  total_tasks: total,
  ...(capped && { total_capped: true }),
});

/** Whether a filter has to look at rows that it does not find. */
const isSearch = ({ words, fields = [], tags, error }: TaskFilter): boolean =>
  [words, tags, error].some((each) => each !== undefined) || fields.length > 0;

const NO_QUEUE: QueueWait = { paused_at: null, paused_by: null, waiting: 0 };

/** How the task's type stands, where its owner registered it. */
const readTypeWait = async (
  c: AppContext,
  { owner, type, queue }: Task,
): Promise<TypeWait | null> => {
  const { catalog, taskTypes, boards } = c.get('services');
  const known = catalog.find(owner, type);
  if (known && !known.outside) return null;
  const [row] = await orUnavailable(c, () => taskTypes.getMany(owner, [type]));
  const seen = isWorkerQueue(queue) ? await boards.listWorkers(owner).catch(() => []) : [];
  const ofType = seen.filter(({ types }) => types.includes(type)).map(({ seen_at }) => seen_at);
  return {
    paused_until: row?.paused_until ?? null,
    worker_seen_at: ofType.length > 0 ? Math.max(...ofType) : null,
  };
};

const readLimitWait = (c: AppContext, task: Task): Promise<LimitWait | null> => {
  const { useStore, now } = c.get('services');
  return orUnavailable(c, () => useStore(createLimitReads).getWait(task, now()));
};

/** The nodes that a task of a flow waits for; null where its flow keeps it from nothing. */
const readBefore = async (c: AppContext, task: Task): Promise<string[] | null> => {
  const { flows } = c.get('services');
  if (task.held !== 'flow' || task.flow_id === null) return null;
  const { flow_id } = task;
  const rows = await orUnavailable(c, () => flows.read(task.owner, flow_id));
  return rows && findOpenBefore(rows, task);
};

/** Why a task does not run; only operators are told who paused its queue. */
const readWait = async (c: AppContext, task: Task): Promise<WaitingFor | null> => {
  const { queueStore, now } = c.get('services');
  const at = now();
  const before = await readBefore(c, task);
  if (before) return describeWaiting(task, at, null, null, null, before);
  if (!waitsForQueue(task, at)) return describeWaiting(task, at, null);
  const type = await readTypeWait(c, task);
  const wait = isQueueName(task.queue)
    ? await orUnavailable(c, () => queueStore.getWait(task.queue))
    : NO_QUEUE;
  const held = task.held === 'limit' ? await readLimitWait(c, task) : null;
  const isOperator = hasScope(c.get('identity').scopes, 'operator');
  return describeWaiting(task, at, isOperator ? wait : { ...wait, paused_by: null }, type, held);
};

const ONE = { tag: 'Tasks', params: TASK_ID, errors: ['task_not_found'] } as const;

/** Reading tasks. */
export const readRoutes = new Hono<AppEnv>()
  .get(
    '/',
    docs({
      id: 'listTasks',
      tag: 'Tasks',
      summary: 'List tasks, newest first unless told',
      description:
        'Filters combine; `params.<path>=value` and `result.<path>=value` look inside, for example ' +
        '`params.city=Lisbon`. By `page` the totals are exact up to 10 000; by `cursor` every page ' +
        'costs the same. Where no index helps, 2 000 tasks are looked at, and parameters and ' +
        'results of up to 64 KB, 4 MB in all; a page holds 1.5 MB of them. `truncated` says that there may be ' +
        'more: `next_cursor` goes on.',
      errors: ['rate_limited'],
      answers: { 200: { description: 'One page', body: taskListSchema } },
    }),
    scope('tasks:read'),
    query(listQuery, listFilters),
    answerHead(),
    async (c) => {
      const written = c.req.valid('query');
      const { page = 1, page_size, cursor, order } = written;
      const { search, useReplica, catalog } = c.get('services');
      const owner = c.get('owner');
      // By any of its names.
      const filter = toFilter(written, (name) => catalog.find(owner, name)?.type ?? name);
      const isPaged = cursor === undefined;
      const offset = isPaged ? (page - 1) * page_size : 0;
      const window = { limit: page_size, cursor: cursor || undefined, offset, order };
      const { found, counted } = await readHeavy(
        c,
        { isSearch: isSearch(filter), rows: page_size },
        async () => {
          const [page_, total] = await Promise.all([
            // What was changed just now is on the first page, or is looked at by its id.
            (cursor ? useReplica(createTaskSearch) : search).page(owner, filter, window),
            isPaged ? search.count(owner, filter) : null,
          ]);
          return { found: page_, counted: total, bytes: page_.bytes };
        },
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
      headers: {
        Prefer: '`wait=N`: holds the answer back until the task is final, 25 seconds at most',
      },
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
      const { task } = await waitForCompletion(c, await readTask(c, readTaskId(c)));
      // Most tasks have no deliveries, and cost no further read.
      const mayHaveDeliveries = task.callback_url !== null || task.failure_sinks !== null;
      const { deliveryStore } = c.get('services');
      const deliveries = mayHaveDeliveries
        ? await orUnavailable(c, () => deliveryStore.listByTask(task.owner, task.id))
        : [];
      const { progress } = await toLiveView(c, task);
      return c.json({ ...toTaskDetail(task, deliveries, await readWait(c, task)), progress });
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
      const { status, progress, attempt, max_attempts, version } = await toLiveView(c, task);
      const names = { task_id: id, task_uuid: id };
      return c.json({ ...names, status, progress, attempt, max_attempts, version });
    },
  );
