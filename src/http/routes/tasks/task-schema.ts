import * as z from 'zod';
import type { TaskDetail, TaskView } from '../../../domain/view.ts';
import { WAIT_REASONS } from '../../../domain/waiting.ts';
import {
  DELIVERY_SINKS,
  DELIVERY_STATES,
  FINAL_STATUSES,
  PRIORITIES,
  STATUSES,
} from '../../../domain/words.ts';
import { anyJson, nextCursor, time, timeOrNull, whole } from '../../fields.ts';

// A task as answers show it. A test holds real answers against these.

const taskError = z.strictObject({ code: z.string(), message: z.string() });

export const taskFields = {
  task_id: z.uuid(),
  type: z.string(),
  title: z.string().nullable(),
  description: z.string().nullable(),
  priority: z.enum(PRIORITIES),
  status: z.enum(STATUSES),
  queue: z.string(),
  params: anyJson,
  result: anyJson,
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
  rerun_of: z.uuid().nullable().meta({ description: 'The task that this one ran again' }),
  parent_id: z
    .uuid()
    .nullable()
    .meta({ description: 'The task by whose run this one was submitted' }),
  schedule_id: z.uuid().nullable().meta({ description: 'The schedule that submitted it' }),
  scheduled_for: timeOrNull.meta({
    description: 'The moment for which its schedule did; null for one that somebody asked for',
  }),
  limit: z
    .strictObject({ key: z.string(), sub_key: z.string().nullable() })
    .nullable()
    .meta({ description: 'The limit that it runs under' }),
  expires_at: timeOrNull.meta({ description: 'Not begun by then, it is cancelled' }),
  end_reason: z
    .enum(['expired', 'upstream_failed'])
    .nullable()
    .meta({ description: 'Why it was cancelled without having been asked to' }),
  flow_id: z.uuid().nullable().meta({ description: 'The flow that it belongs to, …' }),
  node: z.string().nullable().meta({ description: '… its name there, …' }),
  item: whole.nullable().meta({ description: '… and its place among those that `for_each` made' }),
  submitted_at: time,
  scheduled_at: timeOrNull,
  started_at: timeOrNull,
  completed_at: timeOrNull,
  updated_at: time,
  version: whole.meta({ description: 'Grows with every change' }),
};

// `satisfies`: fails to compile when a view has a field that is not documented, or of another kind.
export const taskSchema = z.strictObject(taskFields).meta({ id: 'Task' }) satisfies z.ZodType<
  unknown,
  TaskView
>;

export const delivery = z
  .strictObject({
    id: z.string().meta({ description: 'The `webhook-id`, the same at every try' }),
    sink: z.enum(DELIVERY_SINKS),
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
    outcome: z.enum([
      'completed',
      'failed',
      'retried',
      'continued',
      'snoozed',
      'rescued',
      'cancelled',
    ]),
    error: taskError.nullable(),
    stack: z.string().optional().meta({
      description: 'Where the error was thrown; of the newest 5, and never in notifications',
    }),
  })
  .meta({ id: 'Attempt' });

const waitingFor = z
  .strictObject({
    reason: z.enum(WAIT_REASONS),
    message: z.string().meta({ description: 'In words, for people' }),
    expected_at: timeOrNull.meta({ description: 'When it goes on by itself, where that is known' }),
    queue: z.string().nullable(),
    paused_at: timeOrNull,
    paused_by: z.string().nullable().meta({
      description: 'The name of the key by which the queue was paused; operators are told',
    }),
    waiting: whole
      .nullable()
      .meta({ description: 'Tasks that wait for the queue, 10 000 at most' }),
    limit: z
      .strictObject({
        key: z.string(),
        sub_key: z.string().nullable(),
        running: whole,
        of: whole.nullable().meta({ description: 'Null: any number' }),
        position: whole.meta({ description: '1: the next, as far as that is known' }),
      })
      .nullable()
      .meta({ description: 'How the limit stands that it waits for' }),
    nodes: z
      .array(z.string())
      .nullable()
      .meta({ description: 'The tasks of its flow that it waits for' }),
  })
  .meta({ id: 'WaitingFor' });

export const taskDetailSchema = z
  .strictObject({
    ...taskFields,
    attempts: z.array(attempt),
    rescues: whole,
    traceparent: z
      .string()
      .nullable()
      .meta({ description: 'W3C trace context that it was submitted with' }),
    waiting_for: waitingFor.nullable().meta({
      description: 'Why it does not run; null when it runs, or has ended',
    }),
    deliveries: z.array(delivery),
  })
  .meta({ id: 'TaskDetail' }) satisfies z.ZodType<unknown, TaskDetail>;

export const taskStatusSchema = z
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

export const taskListSchema = z
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
        .meta({ description: 'The search stopped at its bound: `next_cursor` goes on' }),
      next_cursor: nextCursor,
    }),
    tasks: z.array(taskSchema),
  })
  .meta({ id: 'TaskList' });

export const bulkAcceptedSchema = z
  .strictObject({
    accepted: whole,
    tasks: z.array(z.strictObject({ task_id: z.uuid(), status: z.enum(STATUSES) })),
  })
  .meta({ id: 'BulkAccepted' });
