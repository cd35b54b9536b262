import type { Verdict } from '../domain/retry.ts';
import type { Task, TaskMessage } from '../domain/task.ts';
import { MAX_QUEUE_DELAY_MS } from '../domain/new-task.ts';
import type { TaskQueues } from './task-queues.ts';

/** When the database does not answer, the message comes back after this. */
export const RETRY_SECONDS = 5;

/** Acks or retries a message once all tasks that were claimed by it are recorded. */
export interface MessageTracker {
  /** `verdict`: what was recorded of the task; null when a Workflow sees to it. */
  resolve(task: Task, verdict: Verdict | null): Promise<void>;
  /**
   * Whether an outcome was recorded is not known: the message comes back, and the lease brings back
   * the task.
   */
  resolveUnknown(): Promise<void>;
}

/**
 * The delay after which a failed attempt comes back by a message, in whole seconds; null where the
 * clock brings it back: after a longer time, and to its limit.
 */
export const toMessageDelay = (
  { limit_key }: Pick<Task, 'limit_key'>,
  verdict: Verdict | null,
): number | null =>
  verdict?.transition === 'reschedule' &&
  verdict.delayMs <= MAX_QUEUE_DELAY_MS &&
  limit_key === null
    ? Math.ceil(verdict.delayMs / 1_000)
    : null;

/**
 * Tracks the `size` tasks that were claimed by one message. A failed attempt comes back by the
 * platform's own retry; out of a message that names other tasks too, by a message of its own;
 * beyond half a minute by the clock.
 */
const createMessageTracker = (
  message: Message<TaskMessage>,
  size: number,
  taskQueues: Pick<TaskQueues, 'enqueue'>,
): MessageTracker => {
  let left = size;
  let isUnknown = false;
  const delays = new Map<Task, number>();

  const settle = async (): Promise<void> => {
    const [only] = delays.values();
    if (isUnknown) message.retry({ delaySeconds: RETRY_SECONDS });
    else if (only !== undefined && message.body.ids.length === 1)
      return message.retry({ delaySeconds: only });
    await taskQueues.enqueue([...delays.keys()], (task) => delays.get(task) ?? 0);
    if (!isUnknown) message.ack();
  };
  const countDown = async (): Promise<void> => {
    left -= 1;
    if (left === 0) await settle();
  };

  return {
    async resolve(task, verdict) {
      const delay = toMessageDelay(task, verdict);
      if (delay !== null) delays.set(task, delay);
      await countDown();
    },
    async resolveUnknown() {
      isUnknown = true;
      await countDown();
    },
  };
};

/**
 * A tracker for each message by which something was claimed, by the ids of its tasks; the other
 * messages are acked.
 */
export const trackMessages = (
  messages: readonly Message<TaskMessage>[],
  claimed: readonly Task[],
  taskQueues: Pick<TaskQueues, 'enqueue'>,
): Map<string, MessageTracker> => {
  const unassigned = new Set(claimed.map(({ id }) => id));
  const trackers = new Map<string, MessageTracker>();
  for (const message of messages) {
    // Each task belongs to one message: duplicates within the batch end here. Of what was not
    // claimed the row says why, and the clock is the safety net.
    const ids = new Set(message.body.ids.filter((id) => unassigned.delete(id)));
    if (ids.size === 0) message.ack();
    else {
      const tracker = createMessageTracker(message, ids.size, taskQueues);
      for (const id of ids) trackers.set(id, tracker);
    }
  }
  return trackers;
};
