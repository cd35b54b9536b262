import type { Verdict } from '../domain/retry.ts';
import type { TaskMessage, Task } from '../domain/task.ts';
import { MAX_MESSAGE_DELAY_MS } from '../store/transitions.ts';
import type { TaskQueues } from './task-queues.ts';

/** When the database does not answer, the message comes back after this. */
export const RETRY_SECONDS = 5;

/**
 * What becomes of a message, once it is known of each of the `size` tasks that were claimed by it. A failed attempt comes
 * back by the platform's own retry; out of a message that names others too, by a message of its own; beyond a day by the
 * clock. Resolves when the message is settled.
 */
export const createMessageTracker = (
  message: Message<TaskMessage>,
  size: number,
  taskQueues: Pick<TaskQueues, 'enqueue'>,
) => {
  let left = size;
  let isUnknown = false;
  const again = new Map<Task, number>();

  const settle = async (): Promise<void> => {
    const [only] = again.values();
    if (isUnknown) message.retry({ delaySeconds: RETRY_SECONDS });
    else if (only !== undefined && message.body.ids.length === 1)
      return message.retry({ delaySeconds: only });
    await taskQueues.enqueue([...again.keys()], (task) => again.get(task) ?? 0);
    if (!isUnknown) message.ack();
  };

  return {
    /** `verdict`: what was recorded of the task; null when somebody else sees to it. */
    async settled(task: Task, verdict: Verdict | null): Promise<void> {
      if (verdict?.transition === 'reschedule' && verdict.delayMs <= MAX_MESSAGE_DELAY_MS)
        again.set(task, Math.ceil(verdict.delayMs / 1_000));
      left -= 1;
      if (left === 0) await settle();
    },

    /** Whether an outcome was recorded is not known: the message comes back, and the lease brings back the task. */
    async unsettled(): Promise<void> {
      isUnknown = true;
      left -= 1;
      if (left === 0) await settle();
    },
  };
};

export type Settlement = ReturnType<typeof createMessageTracker>;
