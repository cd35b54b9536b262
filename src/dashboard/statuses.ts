import type { Status } from '../domain/task.ts';

export type { Status };

/** In the order of a task's life. Types alone may come from the service's own files. */
export const STATUSES = [
  'NEW',
  'PENDING',
  'IN_PROGRESS',
  'PAUSED',
  'COMPLETED',
  'FAILED',
  'CANCELLED',
] as const satisfies Status[];
export const PRIORITIES = ['HIGH', 'MEDIUM', 'LOW'] as const;
export const QUEUES = [
  'default-high',
  'default-medium',
  'default-low',
  'external-high',
  'external-medium',
  'external-low',
] as const;
