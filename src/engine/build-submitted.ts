import { v7 as uuidv7 } from 'uuid';
import { assertTypeAllowed } from '../domain/api-key.ts';
import { hashCanonical } from '../domain/canonical.ts';
import { AppError, type FieldError } from '../domain/errors.ts';
import { refuseFields, toFieldErrors } from '../domain/field-errors.ts';
import { buildTask } from '../domain/new-task.ts';
import { resolveLimit, type ResolvedLimit } from '../domain/limit.ts';
import { findUrlProblem, type OutgoingRules } from '../domain/outgoing.ts';
import { toQueueName } from '../domain/routing.ts';
import { findIdentifiers } from '../domain/identifiers.ts';
import { readScheduleKey } from '../domain/schedule-key.ts';
import { suggest } from '../domain/suggest.ts';
import { computeTimeout, resolveExpiry, resolveSchedule } from './submit-times.ts';
import type { SubmitRequest } from '../domain/submit-request.ts';
import { toUniqueKey } from '../domain/unique.ts';
import type { Task } from '../domain/task.ts';
import type { Catalog } from '../handlers/catalog.ts';
import type { Handler, HandlerSecrets } from '../handlers/handler.ts';

/** The fields in which a dialect carries the type and the parameters, for its errors. */
export interface FieldNames {
  type: string;
  params: string;
}

/** Who submits, and by which request. */
export interface Caller {
  owner: string;
  requestId: string;
  /** The service's own host name, which callbacks must not have. */
  ownHost: string;
  /** The types that its key may run; null: any. */
  taskTypes: readonly string[] | null;
  /** The task or the schedule that submits it. */
  parentId?: string;
  /** W3C trace context of the request. */
  traceparent?: string | null;
  fields: FieldNames;
}

export interface BuildDeps {
  catalog: Catalog;
  outgoingRules: OutgoingRules;
  secrets: HandlerSecrets;
  /** Whether there is a secret to sign callbacks with. */
  canSign: boolean;
  /** Whether tasks are found by values in their parameters. */
  hasSearchIndex: boolean;
  now(): number;
}

/** The limit that a submit runs under; null for most. */
export const findLimit = (
  { limit }: SubmitRequest,
  handler: Pick<Handler, 'type' | 'limit'>,
  params: unknown,
): ResolvedLimit | null => {
  const resolved = resolveLimit(handler.type, handler.limit, limit, params);
  return resolved && 'message' in resolved ? refuseFields([resolved]) : resolved;
};

/** The callback's address, if it may be called. */
export const resolveCallback = (
  { callback_url = null }: Pick<SubmitRequest, 'callback_url'>,
  caller: Pick<Caller, 'ownHost'>,
  { outgoingRules, canSign }: Pick<BuildDeps, 'outgoingRules' | 'canSign'>,
): string | null => {
  if (callback_url === null) return null;
  if (!canSign) {
    const message =
      'Callbacks are signed, and this service has no ROOT_SECRET to do it with; npm run deploy sets it';
    throw new AppError('callbacks_not_configured', message);
  }
  const message = findUrlProblem(callback_url, { ...outgoingRules, ownHosts: [caller.ownHost] });
  // As it was understood, not as it was typed.
  if (message === null) return new URL(callback_url).href;
  return refuseFields([{ in: 'body', path: 'callback_url', code: 'refused_url', message }]);
};

const requireHandler = (type: string, caller: Caller, catalog: Catalog): Handler => {
  const { owner, fields } = caller;
  const handler = catalog.find(owner, type);
  if (handler) {
    assertTypeAllowed(caller.taskTypes, handler.type);
    return handler;
  }
  const known = catalog.list(owner).map((each) => each.type);
  const message = `There is no type \`${type.slice(0, 100)}\`${suggest(type, known)}`;
  const errors: FieldError[] = [{ in: 'body', path: fields.type, code: 'unknown_type', message }];
  throw new AppError('unknown_type', message, { errors });
};

/** 403 for a task that would run types which the caller's key may not. */
const assertRunsAllowed = (runs: readonly string[] | null, allowed: readonly string[]): void => {
  if (runs === null)
    throw new AppError(
      'type_not_allowed',
      `This key runs some types only: name them in the filter, \`type\`: ${allowed.join(', ')}`,
    );
  for (const type of runs) assertTypeAllowed(allowed, type);
};

/** The same for requests that ask for the same: a field that is null is one that was left out. */
const computeFingerprint = (request: SubmitRequest): Promise<string> =>
  hashCanonical(
    Object.fromEntries(Object.entries(request).filter(([, value]) => (value ?? null) !== null)),
  );

/** The parameters as their type takes them; 422 or 403 where it does not. */
const parseParams = (
  handler: Handler,
  request: SubmitRequest,
  caller: Caller,
  deps: BuildDeps,
): unknown => {
  const params = handler.params.safeParse(request.params);
  if (!params.success)
    return refuseFields(toFieldErrors(params.error, 'body', [caller.fields.params]));
  if (caller.taskTypes !== null) assertRunsAllowed(handler.findRun(params.data), caller.taskTypes);
  const refused = handler.check(params.data, deps.secrets);
  if (refused)
    return refuseFields([
      {
        in: 'body',
        path: `${caller.fields.params}.${refused.path}`,
        code: 'not_allowed',
        message: refused.message,
      },
    ]);
  return params.data;
};

/**
 * The row for a request, not stored yet; 422 with every bad field named.
 * @param idempotencyKey null: none was given
 * @param isTemplate its parameters are filled in, and checked, later
 */
export const buildSubmittedTask = async (
  request: SubmitRequest,
  caller: Caller,
  idempotencyKey: string | null,
  deps: BuildDeps,
  isTemplate = false,
): Promise<Task> => {
  const handler = requireHandler(request.type, caller, deps.catalog);
  const params = isTemplate ? request.params : parseParams(handler, request, caller, deps);
  const { priority, title, description, tags, max_attempts, unique } = request;
  const now = deps.now();
  const limit = findLimit(request, handler, params);
  const isReusable = handler.reuseSeconds !== undefined && !isTemplate;
  return buildTask(
    {
      owner: caller.owner,
      id: uuidv7(),
      type: handler.type,
      alias: request.type === handler.type ? null : request.type,
      queue: toQueueName(handler.lane, priority),
      priority,
      params,
      maxAttempts: max_attempts ?? handler.retry.maxAttempts,
      timeoutMs: computeTimeout(request, handler, isTemplate ? null : params),
      title,
      description,
      tags,
      rerunOf: request.rerun_of,
      parentId: caller.parentId,
      traceparent: caller.traceparent,
      limitKey: limit?.key,
      subKey: limit?.subKey,
      expiresAt: resolveExpiry(request, now),
      uniqueKey: unique && (await toUniqueKey(unique, handler.type, params)),
      uniqueMs: typeof unique?.while === 'number' ? Math.round(unique.while * 1_000) : null,
      scheduledAt: resolveSchedule(request, now),
      requestId: caller.requestId,
      callbackUrl: resolveCallback(request, caller, deps),
      reuseKey: isReusable ? await hashCanonical([handler.type, params]) : null,
      idempotencyKey,
      // The caller's own: defaults are the same in all.
      identifiers: deps.hasSearchIndex && !isTemplate ? findIdentifiers(request.params) : [],
      // A moment's task stays what it was, whatever its schedule says since.
      fingerprint:
        idempotencyKey === null || readScheduleKey(idempotencyKey)
          ? null
          : await computeFingerprint(request),
    },
    now,
  );
};
