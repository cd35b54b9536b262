import * as z from 'zod';
import { SCOPES } from '../domain/api-key.ts';
import { DELIVERY_STATES, SINKS } from '../domain/delivery.ts';
import { QUEUES } from '../domain/routing.ts';
import { FINAL_STATUSES, PRIORITIES, STATUSES } from '../domain/task.ts';
import type { TaskDetail, TaskView } from '../domain/view.ts';

/** What Tasker answers, for the OpenAPI document. A test holds real answers against it. */

const time = z.iso.datetime().meta({ description: 'ISO 8601, UTC, with milliseconds' });
const timeOrNull = time.nullable();
const json = z.unknown().meta({ description: 'Any JSON' });
const whole = z.int().min(0);

const taskError = z.strictObject({ code: z.string(), message: z.string() });

const taskFields = {
  task_id: z.uuid(),
  type: z.string(),
  title: z.string().nullable(),
  description: z.string().nullable(),
  priority: z.enum(PRIORITIES),
  status: z.enum(STATUSES),
  queue: z.string(),
  params: json,
  result: json,
  error: taskError.extend({ attempt: whole, at: time }).nullable(),
  progress: z
    .strictObject({ fraction: z.number().min(0).max(1), note: z.string().nullable() })
    .nullable(),
  attempt: whole,
  max_attempts: whole,
  tags: z.array(z.string()),
  callback_url: z.string().nullable(),
  reused_from: z
    .uuid()
    .nullable()
    .meta({ description: 'The task whose output this one was answered with' }),
  submitted_at: time,
  scheduled_at: timeOrNull,
  started_at: timeOrNull,
  completed_at: timeOrNull,
  updated_at: time,
  version: whole.meta({ description: 'Grows with every change' }),
};

// `satisfies`: fails to compile when a view has a field that is not documented, or of another kind.
export const task = z.strictObject(taskFields).meta({ id: 'Task' }) satisfies z.ZodType<
  unknown,
  TaskView
>;

const delivery = z
  .strictObject({
    id: z.string().meta({ description: 'The `webhook-id`, the same at every try' }),
    sink: z.enum(SINKS),
    status: z.enum(FINAL_STATUSES),
    state: z.enum(DELIVERY_STATES),
    tries: whole,
    last_error: z.string().nullable(),
    owed_at: time,
    next_try_at: timeOrNull,
    ended_at: timeOrNull,
  })
  .meta({ id: 'Delivery' });

const attempt = z
  .strictObject({
    attempt: whole,
    started_at: timeOrNull,
    ended_at: time,
    outcome: z.enum(['completed', 'failed', 'retried', 'rescued', 'cancelled']),
    error: taskError.nullable(),
  })
  .meta({ id: 'Attempt' });

export const taskDetail = z
  .strictObject({
    ...taskFields,
    attempts: z.array(attempt),
    rescues: whole,
    deliveries: z.array(delivery),
  })
  .meta({ id: 'TaskDetail' }) satisfies z.ZodType<unknown, TaskDetail>;

export const taskStatus = z
  .strictObject({
    task_id: z.uuid(),
    task_uuid: z.uuid(),
    status: z.enum(STATUSES),
    progress: taskFields.progress,
    attempt: whole,
    max_attempts: whole,
    version: whole,
  })
  .meta({ id: 'TaskStatus' });

const cursor = z
  .string()
  .nullable()
  .meta({ description: 'Give it as `cursor` for the next page; null at the end' });

export const taskList = z
  .strictObject({
    pagination: z.strictObject({
      current_page: whole.optional(),
      page_size: whole,
      total_pages: whole.optional(),
      total_tasks: whole.optional(),
      total_capped: z
        .literal(true)
        .optional()
        .meta({ description: 'There are, or may be, more than were counted' }),
      truncated: z
        .literal(true)
        .optional()
        .meta({ description: 'Only so many tasks were looked at: `next_cursor` goes on' }),
      next_cursor: cursor,
    }),
    tasks: z.array(task),
  })
  .meta({ id: 'TaskList' });

export const bulkAccepted = z
  .strictObject({
    accepted: whole,
    tasks: z.array(z.strictObject({ task_id: z.uuid(), status: z.enum(STATUSES) })),
  })
  .meta({ id: 'BulkAccepted' });

export const taskType = z
  .strictObject({
    type: z.string(),
    aliases: z.array(z.string()),
    description: z.string(),
    lane: z.enum(['default', 'external']),
    retry: z.strictObject({
      max_attempts: whole,
      base_seconds: z.number(),
      max_seconds: z.number(),
    }),
    timeout_seconds: z.number(),
    cache_ttl_seconds: whole,
    reuse_seconds: whole,
    needs: z.array(z.string()),
    configured: z.boolean(),
    params: z.unknown().meta({ type: 'object', description: 'JSON Schema of the parameters' }),
    example: json,
  })
  .meta({ id: 'TaskType' });
export const taskTypeList = z.strictObject({ task_types: z.array(taskType) });

export const queue = z
  .strictObject({
    name: z.enum(QUEUES),
    lane: z.enum(['default', 'external']),
    priority: z.enum(PRIORITIES),
    paused: z.boolean(),
    pending: whole,
    in_progress: whole,
    oldest_waiting_seconds: z.number().nullable(),
    backlog: whole.nullable().meta({
      description:
        'Messages, each of up to a hundred tasks, as the platform reports them; null when it does not',
    }),
  })
  .meta({ id: 'Queue' });
const times = z.strictObject({
  count: whole,
  p50: z.number().nullable(),
  p95: z.number().nullable(),
  p99: z.number().nullable(),
});
export const stats = z
  .strictObject({
    counts: z.strictObject(Object.fromEntries(STATUSES.map((status) => [status, whole]))),
    counted_up_to: whole,
    oldest_waiting_seconds: z.number().nullable(),
    minutes: z.array(
      z.strictObject({
        at: time,
        submitted: whole,
        completed: whole,
        failed: whole,
        cancelled: whole,
        retried: whole,
      }),
    ),
    wait_seconds: times,
    run_seconds: times,
  })
  .meta({ id: 'Stats' });

export const errorGroups = z.strictObject({
  groups: z.array(
    z
      .strictObject({
        type: z.string(),
        code: z.string().nullable(),
        message: z.string().nullable(),
        tasks: whole,
        first_at: time,
        last_at: time,
        newest_task_id: z.uuid(),
      })
      .meta({ id: 'ErrorGroup' }),
  ),
});

export const queueList = z.strictObject({ queues: z.array(queue) });

export const file = z
  .strictObject({
    name: z.string(),
    bytes: whole,
    content_type: z.string().nullable(),
    etag: z.string(),
    uploaded_at: time,
  })
  .meta({ id: 'File' });
export const fileList = z.strictObject({
  pagination: z.strictObject({ page_size: whole, next_cursor: cursor }),
  files: z.array(file),
});

const key = z
  .strictObject({
    id: z.uuid(),
    owner: z.string(),
    name: z.string(),
    prefix: z.string().meta({ description: 'Its first characters' }),
    scopes: z.array(z.enum(SCOPES)),
    created_at: time,
    expires_at: timeOrNull,
    revoked_at: timeOrNull,
  })
  .meta({ id: 'ApiKey' });
export const newKey = z.strictObject({
  key: z.string().meta({ description: 'Shown this once' }),
  ...key.shape,
});
export const keyList = z.strictObject({ keys: z.array(key) });
export const ticket = z.strictObject({
  ticket: z.string(),
  expires_in: whole.meta({ description: 'Seconds' }),
});

const state = z.enum(['ok', 'down']);
export const health = z
  .strictObject({
    status: z.enum(['ok', 'degraded', 'down']),
    checks: z.strictObject({ database: state, accepting: state, queues: state, cache: state }),
    open_notifications: whole
      .nullable()
      .meta({ description: 'Owed and not yet delivered; null when the database does not answer' }),
    oldest_waiting_seconds: z
      .number()
      .nullable()
      .meta({ description: 'Of all messages in queues; null when none waits' }),
    version: z.string(),
  })
  .meta({ id: 'Health' });

export const runTaskAccepted = z.strictObject({ task_uuid: z.uuid(), message: z.string() });
export const taskOutput = z
  .strictObject({
    task_uuid: z.uuid(),
    task_name: z.string(),
    status: z.enum(['pending', 'running', 'completed', 'failed', 'cancelled']),
    task_output: json,
    error_message: z.string().nullable(),
    created_at: time,
    completed_at: timeOrNull,
  })
  .meta({ id: 'TaskOutput' });

const apiPriority = z.enum(['high', 'normal', 'low']);
export const apiTaskAccepted = z.strictObject({
  task_id: z.uuid(),
  status: z.literal('submitted'),
  message: z.string(),
  queue: z.enum(['high_priority', 'normal_priority', 'low_priority']),
});
const apiState = z.enum(['PENDING', 'STARTED', 'SUCCESS', 'FAILURE', 'RETRY', 'REVOKED']);
export const apiTask = z
  .strictObject({
    state: apiState,
    status: z.strictObject({
      priority: apiPriority,
      result: json.optional(),
      error: z.string().optional(),
      status: z.enum(['pending', 'running', 'completed', 'failed', 'retrying', 'cancelled']),
      task_type: z.string(),
    }),
  })
  .meta({ id: 'ApiTask' });
export const apiTaskList = z.strictObject({
  tasks: z.array(z.strictObject({ task_id: z.uuid(), ...apiTask.shape })),
  total: whole,
  filters: z.strictObject({
    state: apiState.nullable(),
    type: z.enum(['active', 'reserved', 'scheduled', 'completed']).nullable(),
  }),
  available_filters: z.strictObject({ states: z.array(z.string()), types: z.array(z.string()) }),
});
export const purged = z.strictObject({
  status: z.literal('success'),
  message: z.string(),
  details: z.strictObject({
    active_tasks_revoked: whole,
    reserved_tasks_revoked: whole,
    scheduled_tasks_revoked: whole,
    redis_keys_cleared: whole,
  }),
});

export const problem = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: whole,
    detail: z.string(),
    instance: z.string(),
    request_id: z.string(),
    code: z.string().meta({ description: 'A stable word' }),
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
