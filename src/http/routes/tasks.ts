import { Hono } from 'hono';
import { isFinal } from '../../domain/task.ts';
import { toTaskDetail, toTaskView } from '../../domain/view.ts';
import { toFilter } from '../../domain/filter-schema.ts';
import { MAX_BULK_BYTES } from '../body.ts';
import { findHandler } from '../../handlers/catalog.ts';
import type { AppContext, AppEnv } from '../context.ts';
import type { SubmitRequest } from '../new-task.ts';
import { describe } from '../openapi/operation.ts';
import { bulkExamples, submitExamples } from '../openapi/examples.ts';
import { awaited } from '../prefer.ts';
import { asking, readTask, taskId, taskNotFound } from '../read-task.ts';
import * as answers from '../responses.ts';
import {
  actionBody,
  brokenBody,
  bulkBody,
  bulkItems,
  retryBody,
  taskBody,
  taskForms,
} from '../schemas.ts';
import { listFilters, listQuery } from '../list-query.ts';
import { submit, SUBMIT_ERRORS, submitMany } from '../submit.ts';
import { jsonBody, query } from '../validate.ts';

/** Submits one task and answers with it: 200 once nothing is left to wait for, 202 before. */
const accept = async (c: AppContext, request: SubmitRequest): Promise<Response> => {
  const { task: accepted, replayed } = await submit(c, request);
  const { task, waited } = await awaited(c, accepted);
  const isDone = isFinal(task.status) && (waited || (task.reused_from !== null && !replayed));
  return c.json(toTaskView(task), isDone ? 200 : 202, { Location: `/tasks/${task.id}` });
};

const SUBMIT_HEADERS = {
  'Idempotency-Key':
    'Up to 200 printable characters: the same key and body give the same task, however often they are sent',
  Prefer:
    '`wait=N`: holds the answer back until the task is final, N seconds at most, and 25 at most',
};
const accepted = (description: string) => ({
  202: {
    description,
    body: answers.task,
    headers: {
      Location: 'The task',
      'Idempotent-Replayed': '`true`: it was submitted before',
      'Preference-Applied': 'The wait that was granted',
    },
  },
});
const DONE = {
  200: {
    description: 'Finished already: it was waited for, or an output was used again',
    body: answers.task,
    headers: { Location: 'The task' },
  },
};
const SUBMIT_ANSWERS = { ...accepted('Stored; it will run'), ...DONE };

export const tasks = new Hono<AppEnv>()
  .post(
    '/',
    describe({
      id: 'submitTask',
      access: 'tasks:write',
      tag: 'Tasks',
      summary: 'Submit a task',
      description: 'In its native form or one of two short ones, told apart by their fields.',
      answers: SUBMIT_ANSWERS,
      errors: SUBMIT_ERRORS,
      headers: SUBMIT_HEADERS,
      examples: submitExamples,
    }),
    jsonBody(taskBody, { forms: taskForms }),
    async (c) => accept(c, c.req.valid('json')),
  )

  .post(
    '/bulk',
    describe({
      id: 'submitTasks',
      access: 'tasks:write',
      tag: 'Tasks',
      summary: 'Submit up to 1000 tasks',
      description:
        'One invalid item refuses all, each named by its index. With an Idempotency-Key K, item i has the key `K#i`.',
      answers: {
        202: {
          description: 'All are stored',
          body: answers.bulkAccepted,
          headers: { 'Idempotent-Replayed': '`true`: all were submitted before' },
        },
      },
      errors: SUBMIT_ERRORS,
      headers: { 'Idempotency-Key': SUBMIT_HEADERS['Idempotency-Key'] },
      examples: bulkExamples,
    }),
    jsonBody(bulkItems, { maxBytes: MAX_BULK_BYTES, forms: [bulkBody] }),
    async (c) => {
      const all = await submitMany(c, c.req.valid('json').tasks);
      return c.json(
        {
          accepted: all.length,
          tasks: all.map(({ task: { id, status } }) => ({ task_id: id, status })),
        },
        202,
      );
    },
  )

  .post(
    '/actions',
    describe({
      id: 'actOnTasks',
      access: 'tasks:write',
      tag: 'Tasks',
      summary: 'Cancel, pause, resume, retry or delete all tasks that a filter finds',
      description:
        'The action is a task itself, of type `bulk_action`: watch its progress at `/tasks/{id}/events`, abort it by `/tasks/{id}/cancel`. The filter is that of the list; it finds tasks that were submitted before.',
      answers: accepted('Stored; it will run'),
      errors: SUBMIT_ERRORS,
      headers: { 'Idempotency-Key': SUBMIT_HEADERS['Idempotency-Key'] },
      examples: { retry: { action: 'retry', filter: { status: ['FAILED'], type: ['broken'] } } },
    }),
    jsonBody(actionBody),
    async (c) => {
      const params = c.req.valid('json');
      return accept(c, {
        type: 'bulk_action',
        params,
        title: `${params.action} all that match`,
        priority: 'HIGH',
      });
    },
  )

  .post(
    '/broken',
    describe({
      id: 'submitBrokenTask',
      access: 'tasks:write',
      tag: 'Tasks',
      summary: 'Submit a task that always fails',
      answers: { ...accepted('Stored; it will fail'), ...DONE },
      errors: SUBMIT_ERRORS,
      headers: SUBMIT_HEADERS,
      examples: { titled: { title: 'To see a failure' } },
    }),
    jsonBody(brokenBody, { optional: true }),
    async (c) => accept(c, { ...c.req.valid('json'), type: 'broken', params: {} }),
  )

  .post(
    '/retry',
    describe({
      id: 'submitFlakyTask',
      access: 'tasks:write',
      tag: 'Tasks',
      summary: 'Submit a task that fails first and then succeeds',
      answers: { ...accepted('Stored; it will run'), ...DONE },
      errors: SUBMIT_ERRORS,
      headers: SUBMIT_HEADERS,
      examples: { once: { failures: 1 } },
    }),
    jsonBody(retryBody, { optional: true }),
    async (c) => {
      const { failures, ...words } = c.req.valid('json');
      return accept(c, { ...words, type: 'flaky', params: { failures } });
    },
  )

  .get(
    '/',
    describe({
      id: 'listTasks',
      access: 'tasks:read',
      tag: 'Tasks',
      summary: 'List tasks, newest first',
      description:
        'Filters combine; `params.<path>=value` and `result.<path>=value` look inside, for example `params.city=Lisbon`. By `page` the totals are exact up to 10 000; by `cursor` every page costs the same. Where no index helps, 10 000 tasks are looked at, and `truncated` says that there may be more.',
      answers: { 200: { description: 'One page', body: answers.taskList } },
    }),
    query(listQuery, listFilters),
    async (c) => {
      const asked = c.req.valid('query');
      const { page = 1, page_size, cursor } = asked;
      const { search } = c.get('services');
      // By any of its names.
      const filter = toFilter(asked, (name) => findHandler(name)?.type ?? name);
      const isPaged = cursor === undefined;
      const where = {
        limit: page_size,
        before: cursor || undefined,
        offset: isPaged ? (page - 1) * page_size : 0,
      };
      const [found, counted] = await asking(c, () =>
        Promise.all([
          search.page(c.get('owner'), filter, where),
          isPaged ? search.count(c.get('owner'), filter) : null,
        ]),
      );
      const totals = counted === null ? {} : totalsOf(counted, page_size);
      const truncated = found.truncated ? { truncated: true } : {};
      const pagination = {
        ...(isPaged && { current_page: page }),
        page_size,
        ...totals,
        ...truncated,
        next_cursor: found.next,
      };
      return c.json({ pagination, tasks: found.tasks.map(toTaskView) });
    },
  )

  .get(
    '/:id',
    describe({
      id: 'getTask',
      access: 'tasks:read',
      tag: 'Tasks',
      summary: 'Get a task with its attempts',
      answers: {
        200: {
          description: 'The task',
          body: answers.taskDetail,
          headers: { 'X-Cache': '`HIT` or `MISS`, once it is final' },
        },
      },
    }),
    async (c) => {
      const task = await readTask(c, taskId(c));
      // Most tasks owe nobody a word, and cost no further read.
      const owes = task.callback_url !== null || task.failure_sinks !== null;
      const deliveries = owes
        ? await asking(c, () => c.get('services').deliveries.listOf(task.owner, task.id))
        : [];
      return c.json(toTaskDetail(task, deliveries));
    },
  )

  .get(
    '/:id/status',
    describe({
      id: 'getTaskStatus',
      access: 'tasks:read',
      tag: 'Tasks',
      summary: 'Get how far a task is',
      answers: { 200: { description: 'Its status', body: answers.taskStatus } },
    }),
    async (c) => {
      const id = taskId(c);
      const task = await asking(c, () => c.get('services').store.get(c.get('owner'), id));
      if (!task) throw taskNotFound(id);
      const { status, progress, attempt, max_attempts, version } = toTaskView(task);
      return c.json({
        task_id: id,
        task_uuid: id,
        status,
        progress,
        attempt,
        max_attempts,
        version,
      });
    },
  );

const totalsOf = ({ total, capped }: { total: number; capped: boolean }, pageSize: number) => ({
  total_pages: Math.ceil(total / pageSize),
  total_tasks: total,
  ...(capped && { total_capped: true }),
});
