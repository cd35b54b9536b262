import type { Lane, Priority } from './words.ts';

/** The task queues; each is the Cloudflare Queue `tasker-<name>` and the binding `QUEUE_<NAME>`. */
export const QUEUES = [
  'default-high',
  'default-medium',
  'default-low',
  'external-high',
  'external-medium',
  'external-low',
] as const;
export type QueueName = (typeof QUEUES)[number];

/** (lane, priority) -> queue. */
export const toQueueName = (lane: Lane, priority: Priority): QueueName =>
  `${lane}-${priority.toLowerCase() as Lowercase<Priority>}`;

/** Whether a queue is of the default lane, whose tasks are short and light. */
export const isLightQueue = (queue: string): boolean =>
  queue.startsWith('default-' satisfies `${Lane}-`);
