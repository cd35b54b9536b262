import { Hono } from 'hono';
import * as z from 'zod';
import { refuseFields, toFieldErrors } from '../../../domain/field-errors.ts';
import type { FieldError } from '../../../domain/errors.ts';
import { isFinal } from '../../../domain/words.ts';
import type { SubmitRequest } from '../../../domain/submit-request.ts';
import { bulkAction } from '../../../handlers/bulk-action.ts';
import { toAllowedView } from '../../answer-task.ts';
import type { AppContext, AppEnv } from '../../context.ts';
import { docs, type RouteDocs } from '../../middleware/docs.ts';
import { limit } from '../../middleware/limit.ts';
import { scope } from '../../middleware/scope.ts';
import { json } from '../../middleware/validate.ts';
import { MAX_BULK_BYTES, MAX_SUBMIT_BYTES } from '../../read-body.ts';
import { SUBMIT_ERRORS, submitTask, submitTasks } from '../../submit-tasks.ts';
import { bulkExamples, submitExamples } from './examples.ts';
import {
  bulkForm,
  bulkItem,
  newTask,
  newTaskForms,
  newTasks,
  taskWords,
} from './new-task-schema.ts';
import { isWaitPreferred, waitForSubmitted } from './prefer.ts';
import { bulkAcceptedSchema, taskSchema } from './task-schema.ts';

/** Submits one task and answers with it: 200 once nothing is left to wait for, 202 before. */
const acceptTask = async (c: AppContext, request: SubmitRequest): Promise<Response> => {
  const isWaited = isWaitPreferred(c);
  const { task: stored, replayed, ending } = await submitTask(c, request, { isWaited });
  const { task, waited } = await waitForSubmitted(c, stored, ending);
  const isReused = task.reused_from !== null && !replayed;
  const status = isFinal(task.status) && (waited || isReused) ? 200 : 202;
  return c.json(toAllowedView(c, task), status, { Location: `/tasks/${task.id}` });
};

/** An item whose shape is right may still be of no type, or have wrong parameters. */
const findItemErrors = (c: AppContext, item: unknown, index: number): FieldError[] => {
  const { type, params } = item as { type: string; params?: unknown };
  const handler = c.get('services').catalog.find(c.get('owner'), type);
  const path = `tasks.${index}.type`;
  if (!handler)
    return [{ in: 'body', path, code: 'unknown_type', message: `No task type "${type}"` }];
  const { error } = handler.params.safeParse(params ?? {});
  return error ? toFieldErrors(error, 'body', ['tasks', index, 'params']) : [];
};

const parseItems = (c: AppContext, items: readonly unknown[]): SubmitRequest[] => {
  const parsed = items.map((item) => bulkItem.safeParse(item));
  const requests = parsed.flatMap(({ data }) => (data ? [data] : []));
  if (requests.length === items.length) return requests;
  // Where one has no right shape, what is wrong with the others is named too; otherwise building
  // them will.
  return refuseFields(
    parsed.flatMap(({ error }, i) =>
      error ? toFieldErrors(error, 'body', ['tasks', i]) : findItemErrors(c, items[i], i),
    ),
  );
};

const HEADERS = {
  'Idempotency-Key':
    'Up to 200 printable characters: the same key and body give the same task, however often ' +
    'they are sent',
  Prefer:
    '`wait=N`: holds the answer back until the task is final, N seconds at most, and 25 at most. ' +
    'A light task then runs at once, and goes through no queue',
};
const KEY_HEADER = { 'Idempotency-Key': HEADERS['Idempotency-Key'] };

const describeAccepted = (description: string): RouteDocs['answers'] => ({
  202: {
    description,
    body: taskSchema,
    headers: {
      Location: 'The task',
      'Idempotent-Replayed': '`true`: it was submitted before',
      'Unique-Conflict': '`returned` or `replaced`: another task has its unique key',
      'Preference-Applied': 'The wait that was granted',
    },
  },
});
const DONE: RouteDocs['answers'] = {
  200: {
    description: 'Finished already: it was waited for, or an output was used again',
    body: taskSchema,
    headers: { Location: 'The task' },
  },
};
const TASKS = { tag: 'Tasks', errors: SUBMIT_ERRORS } as const;

/** Ways to submit tasks. */
export const submitRoutes = new Hono<AppEnv>()
  .post(
    '/',
    docs({
      ...TASKS,
      id: 'submitTask',
      summary: 'Submit a task',
      description: 'In its native form or one of two short ones, told apart by their fields.',
      answers: { ...describeAccepted('Stored; it will run'), ...DONE },
      headers: HEADERS,
      examples: submitExamples,
    }),
    scope('tasks:write'),
    limit('writes'),
    json(newTask, { forms: newTaskForms, maxBytes: MAX_SUBMIT_BYTES }),
    (c) => acceptTask(c, c.req.valid('json')),
  )

  .post(
    '/bulk',
    docs({
      ...TASKS,
      id: 'submitTasks',
      summary: 'Submit up to 1000 tasks',
      description:
        'One invalid item refuses all, each named by its index. With an Idempotency-Key K, item i ' +
        'has the key `K#i`.',
      answers: {
        202: {
          description: 'All are stored',
          body: bulkAcceptedSchema,
          headers: { 'Idempotent-Replayed': '`true`: all were submitted before' },
        },
      },
      headers: KEY_HEADER,
      examples: bulkExamples,
    }),
    scope('tasks:write'),
    limit('writes'),
    json(newTasks, { maxBytes: MAX_BULK_BYTES, forms: [bulkForm] }),
    async (c) => {
      const all = await submitTasks(c, parseItems(c, c.req.valid('json').tasks));
      const tasks = all.map(({ task: { id, status } }) => ({ task_id: id, status }));
      return c.json({ accepted: all.length, tasks }, 202);
    },
  )

  .post(
    '/actions',
    docs({
      ...TASKS,
      id: 'actOnTasks',
      summary: 'Cancel, pause, resume, retry or delete all tasks that a filter finds',
      description:
        'The action is a task itself, of type `bulk_action`: watch its progress at ' +
        '`/tasks/{id}/events`, abort it by `/tasks/{id}/cancel`. The filter is that of the list; it ' +
        'finds tasks that were submitted before.',
      answers: describeAccepted('Stored; it will run'),
      headers: KEY_HEADER,
      examples: { retry: { action: 'retry', filter: { status: ['FAILED'], type: ['broken'] } } },
    }),
    scope('tasks:write'),
    limit('writes'),
    json(bulkAction.params as z.ZodType<{ action: string; filter: Record<string, unknown> }>),
    (c) => {
      const params = c.req.valid('json');
      const title = `${params.action} all that match`;
      return acceptTask(c, { type: 'bulk_action', params, title, priority: 'HIGH' });
    },
  )

  .post(
    '/broken',
    docs({
      ...TASKS,
      id: 'submitBrokenTask',
      summary: 'Submit a task that always fails',
      answers: { ...describeAccepted('Stored; it will fail'), ...DONE },
      headers: HEADERS,
      examples: { titled: { title: 'To see a failure' } },
    }),
    scope('tasks:write'),
    limit('writes'),
    json(z.strictObject(taskWords), { optional: true }),
    (c) => acceptTask(c, { ...c.req.valid('json'), type: 'broken', params: {} }),
  )

  .post(
    '/retry',
    docs({
      ...TASKS,
      id: 'submitFlakyTask',
      summary: 'Submit a task that fails first and then succeeds',
      answers: { ...describeAccepted('Stored; it will run'), ...DONE },
      headers: HEADERS,
      examples: { once: { failures: 1 } },
    }),
    scope('tasks:write'),
    limit('writes'),
    json(z.strictObject({ ...taskWords, failures: z.int().min(0).max(10).default(2) }), {
      optional: true,
    }),
    (c) => {
      const { failures, ...words } = c.req.valid('json');
      return acceptTask(c, { ...words, type: 'flaky', params: { failures } });
    },
  );
