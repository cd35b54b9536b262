import * as z from 'zod';
import { anyJson, parameters, typeName, whole } from '../fields.ts';

// The words of the older API under `/api/tasks`.

export const API_STATES = ['PENDING', 'STARTED', 'SUCCESS', 'FAILURE', 'RETRY', 'REVOKED'] as const;
export type ApiState = (typeof API_STATES)[number];

export const API_KINDS = ['active', 'reserved', 'scheduled', 'completed'] as const;
export type ApiKind = (typeof API_KINDS)[number];

const apiPriority = z.enum(['high', 'normal', 'low']);

export const apiTaskBody = z.strictObject({
  task_type: typeName,
  priority: apiPriority.default('normal'),
  parameters: parameters.default({}),
});

export const apiListQuery = z.strictObject({
  state: z.enum(API_STATES).optional(),
  type: z.enum(API_KINDS).optional(),
});

export const apiTaskAccepted = z.strictObject({
  task_id: z.uuid(),
  status: z.literal('submitted'),
  message: z.string(),
  queue: z.enum(['high_priority', 'normal_priority', 'low_priority']),
});

export const apiTaskSchema = z
  .strictObject({
    state: z.enum(API_STATES),
    status: z.strictObject({
      priority: apiPriority,
      result: anyJson.optional(),
      error: z.string().optional(),
      status: z.enum(['pending', 'running', 'completed', 'failed', 'retrying', 'cancelled']),
      task_type: z.string(),
    }),
  })
  .meta({ id: 'ApiTask' });

export const apiTaskList = z.strictObject({
  tasks: z.array(z.strictObject({ task_id: z.uuid(), ...apiTaskSchema.shape })),
  total: whole,
  filters: z.strictObject({
    state: z.enum(API_STATES).nullable(),
    type: z.enum(API_KINDS).nullable(),
  }),
  available_filters: z.strictObject({
    states: z.array(z.string()),
    types: z.array(z.string()),
  }),
});

export const purgeAnswer = z.strictObject({
  status: z.literal('success'),
  message: z.string(),
  details: z.strictObject({
    active_tasks_revoked: whole,
    reserved_tasks_revoked: whole,
    scheduled_tasks_revoked: whole,
    redis_keys_cleared: whole,
  }),
});
