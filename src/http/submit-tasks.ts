import { refuseFields } from '../domain/field-errors.ts';
import type { SubmitRequest } from '../domain/submit-request.ts';
import type { FieldNames } from '../engine/build-submitted.ts';
import type { Submitted } from '../engine/store-submitted.ts';
import type { AppContext } from './context.ts';
import { parseTraceparent } from '../domain/traceparent.ts';
import { consumeRate } from './middleware/limit.ts';

/** Error codes of a submit, besides those of its body. */
export const SUBMIT_ERRORS = [
  'unknown_type',
  'type_not_allowed',
  'idempotency_key_reused',
  'duplicate',
  'too_many_limits',
  'callbacks_not_configured',
  'task_rejected',
  'overloaded',
  'database_full',
  'too_many_bytes',
  'too_many_unfinished',
  'outcome_unknown',
  'rate_limited',
] as const;

const NATIVE_FIELDS: FieldNames = { type: 'type', params: 'params' };

/** What the service submits by itself. */
const RESERVED_KEYS = /^(child|schedule):/;

/** 1 to 200 printable characters; null when none was given. */
export const readIdempotencyKey = (c: AppContext): string | null => {
  const key = c.req.header('Idempotency-Key');
  if (key !== undefined && RESERVED_KEYS.test(key)) {
    const message = 'An Idempotency-Key that begins like this is one of the service itself';
    return refuseFields([{ in: 'header', path: 'Idempotency-Key', code: 'reserved_key', message }]);
  }
  if (key === undefined || /^[!-~](?:[ -~]{0,198}[!-~])?$/.test(key)) return key ?? null;
  const message = 'An Idempotency-Key has 1 to 200 printable ASCII characters';
  return refuseFields([{ in: 'header', path: 'Idempotency-Key', code: 'invalid_key', message }]);
};

/** The request's own log line names what it submitted. */
const logSubmitted = (c: AppContext, all: readonly Submitted[], isBulk: boolean): void => {
  const owner = c.get('owner');
  const log = c.get('log');
  for (const { task, replayed } of log.has('debug') ? all : [])
    log.debug('task_submitted', {
      task_id: task.id,
      task_name: task.type,
      owner,
      ...(replayed && { replayed }),
    });
  const [one] = all;
  if (isBulk) c.set('log', log.with({ tasks: all.length, owner }));
  else if (one) {
    const fields = { task_id: one.task.id, task_name: one.task.type, owner };
    c.set('log', log.with({ ...fields, ...(one.replayed && { replayed: true }) }));
  }
};

/**
 * Submits many tasks: all or, where one is refused, none. Resolves once they are committed; throws
 * an `AppError` otherwise.
 */
export const submitTasks = async (
  c: AppContext,
  requests: readonly SubmitRequest[],
  {
    fields = NATIVE_FIELDS,
    isBulk = true,
    isWaited = false,
  }: { fields?: FieldNames; isBulk?: boolean; isWaited?: boolean } = {},
): Promise<Submitted[]> => {
  const key = readIdempotencyKey(c);
  const submitting = c.get('services').submission.submit({
    requests,
    caller: {
      owner: c.get('owner'),
      requestId: c.get('requestId'),
      taskTypes: c.get('identity').taskTypes,
      traceparent: parseTraceparent(c.req.header('traceparent')),
      // Only a callback needs it.
      get ownHost() {
        return new URL(c.req.url).hostname;
      },
      fields,
    },
    // Each item of a bulk has its own.
    findKey: (index) => (key !== null && isBulk ? `${key}#${index}` : key),
    isBulk,
    isWaited,
    consumeMetered: (runs) => consumeRate(c, 'metered', runs),
  });
  // A caller who leaves does not end what it began, nor what is just stored for it.
  if (isWaited) c.executionCtx.waitUntil(submitting.then(([one]) => one?.ending).catch(() => {}));
  const all = await submitting;
  logSubmitted(c, all, isBulk);
  if (all.length > 0 && all.every(({ replayed }) => replayed))
    c.header('Idempotent-Replayed', 'true');
  const [one] = all;
  if (!isBulk && one?.conflict) c.header('Unique-Conflict', one.conflict);
  return all;
};

/**
 * Submits one task. `fields`: where a dialect carries type and parameters; `isWaited`: the caller wants
 * to know how it ends.
 */
export const submitTask = async (
  c: AppContext,
  request: SubmitRequest,
  options: { fields?: FieldNames; isWaited?: boolean } = {},
): Promise<Submitted> => {
  const [one] = await submitTasks(c, [request], { isBulk: false, ...options });
  return one as Submitted;
};
