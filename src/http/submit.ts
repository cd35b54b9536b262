import { v7 as uuidv7 } from 'uuid';
import { AppError, messageOf } from '../domain/errors.ts';
import { queueOf } from '../domain/routing.ts';
import { refusedUrl } from '../domain/outgoing.ts';
import { newTask, reusing, type Priority, type Task } from '../domain/task.ts';
import type { Acceptance } from '../engine/accept.ts';
import { findHandler, handlers, type Handler } from '../handlers/registry.ts';
import type { Services } from '../services.ts';
import { asking } from './read-task.ts';
import { reuseKey } from './reuse-key.ts';
import type { AppContext } from './context.ts';
import { fieldErrors, refuse } from './validate.ts';

/** A submit as every dialect words it. `params` are still the caller's. */
export interface SubmitRequest {
  type: string;
  params: Record<string, unknown>;
  priority: Priority;
  title?: string | null | undefined;
  description?: string | null | undefined;
  tags?: string[];
  delay_seconds?: number | undefined;
  scheduled_at?: string | undefined;
  max_attempts?: number | undefined;
  timeout_seconds?: number | undefined;
  callback_url?: string | null | undefined;
  /** False: run it, whatever output is there already. */
  reuse?: boolean | undefined;
}

/** A task may be scheduled this far ahead. */
const MAX_AHEAD_MS = 31_536_000_000;

/** When it is to run, in ms; null for now. A time that is past means now. */
const scheduledAt = ({ delay_seconds, scheduled_at }: SubmitRequest, now: number): number | null => {
  if (delay_seconds !== undefined && scheduled_at !== undefined) {
    const message = 'Give either delay_seconds or scheduled_at';
    return refuse([{ in: 'body', path: 'scheduled_at', code: 'conflict', message }]);
  }
  if (delay_seconds !== undefined) return delay_seconds === 0 ? null : now + Math.round(delay_seconds * 1_000);
  if (scheduled_at === undefined) return null;
  const at = Date.parse(scheduled_at);
  if (at <= now + MAX_AHEAD_MS) return at > now ? at : null;
  return refuse([
    { in: 'body', path: 'scheduled_at', code: 'too_big', message: 'A task may be scheduled a year ahead at most' },
  ]);
};

/** The fields in which this dialect carries the type and the parameters, for its errors. */
interface FieldNames {
  type: string;
  params: string;
}

const REFUSALS: Record<Exclude<Acceptance, 'accepted'>, string> = {
  overloaded: 'Too many tasks are waiting to be stored; try again in a moment',
  task_rejected: 'The database refused this task',
  database_unavailable: 'The database did not take the task; nothing was stored, try again',
  outcome_unknown:
    'The database did not answer; the task may or may not be stored. Look for it before you send it again',
};

/** The callback's address, if it may be called. */
const callbackUrl = ({ callback_url = null }: SubmitRequest, c: AppContext): string | null => {
  if (callback_url === null) return null;
  const { outgoingRules, settings } = c.var.services;
  if (settings.WEBHOOK_SECRETS.length === 0) {
    throw new AppError(
      'callbacks_not_configured',
      'Callbacks are signed, and this service has no WEBHOOK_SECRETS to do it with',
    );
  }
  const message = refusedUrl(callback_url, { ...outgoingRules, ownHosts: [new URL(c.req.url).hostname] });
  return message === null ? callback_url : refuse([{ in: 'body', path: 'callback_url', code: 'refused_url', message }]);
};

/** The row for a request; 422 with every bad field named. */
const taskOf = async (request: SubmitRequest, fields: FieldNames, c: AppContext): Promise<Task> => {
  const handler = findHandler(request.type);
  if (!handler) {
    const known = handlers.map(({ type }) => type).join(', ');
    const message = `No task type "${request.type}". Known types: ${known}`;
    throw new AppError('unknown_type', message, {
      errors: [{ in: 'body', path: fields.type, code: 'unknown_type', message }],
    });
  }
  const params = handler.params.safeParse(request.params);
  if (!params.success) return refuse(fieldErrors(params.error, 'body', [fields.params]));
  const { priority, title, description, tags, max_attempts, timeout_seconds } = request;
  const now = c.var.services.now();
  const task = newTask(
    {
      owner: c.var.owner,
      id: uuidv7(),
      type: handler.type,
      alias: request.type === handler.type ? null : request.type,
      queue: queueOf(handler.lane, priority),
      priority,
      params: params.data,
      maxAttempts: max_attempts ?? handler.retry.maxAttempts,
      timeoutMs: timeout_seconds === undefined ? handler.timeoutMs(params.data) : Math.round(timeout_seconds * 1_000),
      title,
      description,
      tags,
      scheduledAt: scheduledAt(request, now),
      requestId: c.var.requestId,
      callbackUrl: callbackUrl(request, c),
      reuseKey: handler.reuseSeconds === undefined ? null : await reuseKey(handler.type, params.data),
    },
    now,
  );
  return (request.reuse ?? true) ? answered(task, handler, c) : task;
};

/** The task as finished, where its type allows it and an output of the same parameters is young enough. */
const answered = async (task: Task, { reuseSeconds }: Handler, c: AppContext): Promise<Task> => {
  const { reuse_key: key, status } = task;
  if (key === null || reuseSeconds === undefined || status !== 'PENDING') return task;
  const since = task.submitted_at - reuseSeconds * 1_000;
  const source = (await asking(c, () => c.var.services.store.reusable(task.owner, [key], since))).get(key);
  return source ? reusing(task, source) : task;
};

/** Accepting the same ids again is safe, so a call whose answer was lost is repeated once. */
const accept = async ({ dispatcher, log }: Services, tasks: Task[]): Promise<Acceptance[]> => {
  for (const isLast of [false, true]) {
    try {
      return await dispatcher.accept(tasks);
    } catch (error) {
      log.warn('accept_failed', { tasks: tasks.length, error: messageOf(error) });
      if (isLast) break;
    }
  }
  return tasks.map(() => 'outcome_unknown');
};

/** Validates, stores and hands over one task. Returns its row once it is committed; throws 422 or 503 otherwise. */
export const submit = async (
  c: AppContext,
  request: SubmitRequest,
  fields: FieldNames = { type: 'type', params: 'params' },
): Promise<Task> => {
  const task = await taskOf(request, fields, c);
  const [acceptance = 'outcome_unknown'] = await accept(c.var.services, [task]);
  if (acceptance !== 'accepted')
    throw new AppError(acceptance, REFUSALS[acceptance], { retryAfterSeconds: acceptance === 'overloaded' ? 1 : 5 });
  c.var.log.info('task_submitted', { task_id: task.id, task_name: task.type, owner: task.owner });
  return task;
};
