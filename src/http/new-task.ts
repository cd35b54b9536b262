import { v7 as uuidv7 } from 'uuid';
import { AppError, type FieldError } from '../domain/errors.ts';
import { findUrlProblem } from '../domain/outgoing.ts';
import { toQueueName } from '../domain/routing.ts';
import { buildTask, type Priority, type Task } from '../domain/task.ts';
import { findHandler, handlers } from '../handlers/catalog.ts';
import type { AppContext } from './context.ts';
import { hashCanonical } from './hash.ts';
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
const scheduledAt = (
  { delay_seconds, scheduled_at }: SubmitRequest,
  now: number,
): number | null => {
  if (delay_seconds !== undefined && scheduled_at !== undefined) {
    const message = 'Give either delay_seconds or scheduled_at';
    return refuse([{ in: 'body', path: 'scheduled_at', code: 'conflict', message }]);
  }
  if (delay_seconds !== undefined)
    return delay_seconds === 0 ? null : now + Math.round(delay_seconds * 1_000);
  if (scheduled_at === undefined) return null;
  const at = Date.parse(scheduled_at);
  if (at <= now + MAX_AHEAD_MS) return at > now ? at : null;
  return refuse([
    {
      in: 'body',
      path: 'scheduled_at',
      code: 'too_big',
      message: 'A task may be scheduled a year ahead at most',
    },
  ]);
};

/** The fields in which a dialect carries the type and the parameters, for its errors. */
export interface FieldNames {
  type: string;
  params: string;
}

/** The callback's address, if it may be called. */
const callbackUrl = ({ callback_url = null }: SubmitRequest, c: AppContext): string | null => {
  if (callback_url === null) return null;
  const { outgoingRules, settings } = c.get('services');
  if (settings.WEBHOOK_SECRETS.length === 0) {
    throw new AppError(
      'callbacks_not_configured',
      'Callbacks are signed, and this service has no WEBHOOK_SECRETS to do it with',
    );
  }
  const message = findUrlProblem(callback_url, {
    ...outgoingRules,
    ownHosts: [new URL(c.req.url).hostname],
  });
  // As it was understood, not as it was typed.
  return message === null
    ? new URL(callback_url).href
    : refuse([{ in: 'body', path: 'callback_url', code: 'refused_url', message }]);
};

/** The handler of a request's type. */
const handlerOf = (type: string, fields: FieldNames) => {
  const handler = findHandler(type);
  if (handler) return handler;
  const known = handlers.map((each) => each.type).join(', ');
  const message = `No task type "${type}". Known types: ${known}`;
  const errors: FieldError[] = [{ in: 'body', path: fields.type, code: 'unknown_type', message }];
  throw new AppError('unknown_type', message, { errors });
};

/** The row for a request, not stored yet; 422 with every bad field named. `idempotencyKey` null: none was given. */
export const buildSubmittedTask = async (
  c: AppContext,
  request: SubmitRequest,
  fields: FieldNames,
  idempotencyKey: string | null,
): Promise<Task> => {
  const handler = handlerOf(request.type, fields);
  const params = handler.params.safeParse(request.params);
  if (!params.success) return refuse(fieldErrors(params.error, 'body', [fields.params]));
  const { priority, title, description, tags, max_attempts, timeout_seconds } = request;
  const now = c.get('services').now();
  return buildTask(
    {
      owner: c.get('owner'),
      id: uuidv7(),
      type: handler.type,
      alias: request.type === handler.type ? null : request.type,
      queue: toQueueName(handler.lane, priority),
      priority,
      params: params.data,
      maxAttempts: max_attempts ?? handler.retry.maxAttempts,
      timeoutMs:
        timeout_seconds === undefined
          ? handler.timeoutMs(params.data)
          : Math.round(timeout_seconds * 1_000),
      title,
      description,
      tags,
      scheduledAt: scheduledAt(request, now),
      requestId: c.get('requestId'),
      callbackUrl: callbackUrl(request, c),
      reuseKey:
        handler.reuseSeconds === undefined
          ? null
          : await hashCanonical([handler.type, params.data]),
      idempotencyKey,
      fingerprint: idempotencyKey === null ? null : await hashCanonical(request),
    },
    now,
  );
};
