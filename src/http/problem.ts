import * as z from 'zod';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { AppError, describeError, type ErrorCode } from '../domain/errors.ts';
import type { AppContext } from './context.ts';

/** The status and the title of every error code. */
export const PROBLEMS: Record<ErrorCode, [ContentfulStatusCode, string]> = {
  body_not_found: [404, 'No such body'],
  body_too_deep: [413, 'Body nested too deep'],
  body_too_large: [413, 'Body too large'],
  callbacks_not_configured: [422, 'Callbacks are not configured'],
  database_full: [507, 'Database full'],
  database_unavailable: [503, 'Database unavailable'],
  file_not_found: [404, 'No such file'],
  flow_finished: [409, 'Flow is finished'],
  flow_not_found: [404, 'No such flow'],
  flow_unfinished: [409, 'Flow is not finished'],
  duplicate: [409, 'Duplicate'],
  idempotency_key_reused: [422, 'Idempotency-Key reused'],
  internal_error: [500, 'Internal error'],
  invalid_request: [422, 'Invalid request'],
  key_expired: [401, 'API key expired'],
  key_invalid: [401, 'No such API key'],
  key_missing: [401, 'API key needed'],
  key_not_found: [404, 'No such API key'],
  key_revoked: [401, 'API key revoked'],
  limit_not_found: [404, 'No such limit'],
  malformed_json: [400, 'Malformed JSON'],
  method_not_allowed: [405, 'Method not allowed'],
  misconfigured: [503, 'Misconfigured'],
  origin_not_allowed: [403, 'Origin not allowed'],
  outcome_unknown: [503, 'Outcome unknown'],
  overloaded: [503, 'Overloaded'],
  precondition_failed: [412, 'Precondition failed'],
  range_not_allowed: [400, 'Range not allowed'],
  queue_not_found: [404, 'No such queue'],
  owner_moving: [503, 'Owner is moving'],
  shard_not_found: [404, 'No such shard'],
  owner_not_found: [404, 'No such owner'],
  rate_limited: [429, 'Too many requests'],
  route_not_found: [404, 'No such route'],
  run_invalid: [401, 'No such run'],
  run_over: [409, 'Run is over'],
  schedule_name_taken: [409, 'Schedule name taken'],
  schedule_not_found: [404, 'No such schedule'],
  scope_missing: [403, 'Scope needed'],
  storage_unavailable: [503, 'File storage unavailable'],
  task_finished: [409, 'Task is finished'],
  task_not_found: [404, 'No such task'],
  task_of_flow: [409, 'Task belongs to a flow'],
  task_rejected: [422, 'Task rejected'],
  task_running: [409, 'Task is running'],
  task_unfinished: [409, 'Task is not finished'],
  ticket_invalid: [401, 'No such ticket'],
  too_many_bytes: [429, 'Too many bytes stored'],
  too_many_streams: [429, 'Too many streams'],
  too_many_unfinished: [429, 'Too many unfinished tasks'],
  too_many_limits: [409, 'Too many limits'],
  too_many_schedules: [409, 'Too many schedules'],
  too_many_types: [409, 'Too many task types'],
  type_built_in: [409, 'Task type is built in'],
  type_in_use: [409, 'Task type in use'],
  type_not_manual: [409, 'Task waits for no person'],
  type_not_allowed: [403, 'Task type not allowed'],
  type_not_found: [404, 'No such task type'],
  unknown_type: [422, 'Unknown task type'],
  unsupported_media_type: [415, 'Unsupported media type'],
  upload_interrupted: [400, 'Upload interrupted'],
  upgrade_required: [426, 'Upgrade required'],
};

/** Any error as RFC 9457 problem details. What is not ours is logged, and kept from the caller. */
export const answerProblem = (error: unknown, c: AppContext): Response => {
  const ours =
    error instanceof AppError
      ? error
      : new AppError(
          'internal_error',
          'Something went wrong on our side; the request id helps to find it',
        );
  const [status, title] = PROBLEMS[ours.code];
  if (ours !== error) c.get('log')?.error('request_failed', { error: describeError(error) });
  for (const [name, value] of Object.entries(ours.headers)) c.header(name, value);
  if (status === 503 || status === 429)
    c.header('Retry-After', String(ours.retryAfterSeconds ?? 1));
  const body = {
    type: `urn:tasker:problem:${ours.code}`,
    title,
    status,
    detail: ours.message,
    instance: new URL(c.req.url).pathname,
    request_id: c.get('requestId'),
    code: ours.code,
    docs_url: `${new URL(c.req.url).origin}/docs/errors#${ours.code}`,
    ...ours.members,
    ...(ours.errors && { errors: ours.errors }),
  };
  return c.body(JSON.stringify(body), status, { 'Content-Type': 'application/problem+json' });
};

export const problemSchema = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int().min(0),
    detail: z.string(),
    instance: z.string(),
    request_id: z.string(),
    code: z.string().meta({ description: 'A stable word' }),
    docs_url: z.string().meta({ description: 'What it means, and what to do' }),
    errors: z
      .array(
        z.strictObject({
          in: z.enum(['body', 'query', 'path', 'header']),
          path: z.string(),
          code: z.string(),
          message: z.string(),
        }),
      )
      .optional(),
  })
  .meta({ id: 'Problem' });
