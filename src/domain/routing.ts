import { PRIORITIES, type Lane, type Priority } from './words.ts';

/** (lane, priority) -> what a task's `queue` says. */
export const toQueueName = <L extends Lane>(
  lane: L,
  priority: Priority,
): `${L}-${Lowercase<Priority>}` => `${lane}-${priority.toLowerCase() as Lowercase<Priority>}`;

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

/** What a task's `queue` may say: a queue, or that it waits for a worker or for a person. */
export const ROUTES = [
  ...QUEUES,
  ...(['worker', 'manual'] as const).flatMap((lane) =>
    PRIORITIES.map((priority) => toQueueName(lane, priority)),
  ),
] as const;

/** Whether a queue is of the default lane, whose tasks are short and light. */
export const isLightQueue = (queue: string): boolean =>
  queue.startsWith('default-' satisfies `${Lane}-`);

/** Whether the tasks of a queue name wait for one of the owner's workers. */
export const isWorkerQueue = (queue: string): boolean =>
  queue.startsWith('worker-' satisfies `${Lane}-`);

/** Whether the tasks of a queue name wait for a person. */
export const isManualQueue = (queue: string): boolean =>
  queue.startsWith('manual-' satisfies `${Lane}-`);

/** Whether a name is that of a queue of the platform. */
export const isQueueName = (name: string): name is QueueName =>
  (QUEUES as readonly string[]).includes(name);
