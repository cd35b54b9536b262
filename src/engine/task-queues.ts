import { describeError } from '../domain/errors.ts';
import { chunk } from '../domain/chunk.ts';
import type { QueueName } from '../domain/routing.ts';
import type { TaskMessage, Lane, Task } from '../domain/task.ts';
import { withTimeout } from '../domain/timeout.ts';
import type { Logger } from '../log.ts';

/** Messages of one `sendBatch`, which takes a hundred, but 256 KB: https://developers.cloudflare.com/queues/platform/limits/ */
const MAX_BATCH = 50;
/** Tasks that one message names: a queue is paid by the message, and fifty such messages stay below its 256 KB. */
const MAX_TASKS = 100;
/** Their parameters, in UTF-16 units, so that a consumer can hold a batch. Parameters that are not known count as a tenth. */
const MAX_PARAMS_CHARS = 128_000;
/** A message says this much, in bytes, around its tasks … */
const HINT_BYTES = '{"owner":"","ids":[]}'.length;
/** … and this much for each. */
const TASK_BYTES = 39;
/** A queue that does not answer is left to the sweep: nobody waits longer for it. */
const SEND_TIMEOUT_MS = 2_000;

export type QueueBindings = Record<QueueName, Pick<Queue<TaskMessage>, 'sendBatch' | 'metrics'>>;

export type TaskQueues = ReturnType<typeof createTaskQueues>;

/** A task that is to be looked at. */
export type QueuedTask = Pick<Task, 'owner' | 'id' | 'queue' | 'rescues'> &
  Partial<Pick<Task, 'params'>>;

/**
 * The messages that name these tasks of one queue and owner. What waits on other services has a message to itself, for an
 * invocation has few connections; so has whoever was rescued once: what killed a worker must not take its neighbours along.
 */
const toMessages = (tasks: readonly QueuedTask[], owner: string, queue: string): TaskMessage[] => {
  const isLight = queue.startsWith('default' satisfies Lane);
  const sizeOf = ({ params }: QueuedTask): number => params?.length ?? MAX_PARAMS_CHARS / 10;
  const sound = chunk(
    tasks.filter(({ rescues }) => rescues === 0),
    { most: isLight ? MAX_TASKS : 1, sizeOf, maxSize: MAX_PARAMS_CHARS },
  );
  const alone = tasks
    .filter(({ rescues }) => rescues > 0)
    .map(({ id }): TaskMessage => ({ owner, ids: [id], alone: true }));
  return [
    ...sound.map((group): TaskMessage => ({ owner, ids: group.map(({ id }) => id) })),
    ...alone,
  ];
};

/** Hands tasks to their queues. A message is only a hint: a failure is logged, and the sweep sends again. */
export const createTaskQueues = ({ queues, log }: { queues: QueueBindings; log: Logger }) => {
  const sendBatch = async (
    queue: QueueName,
    messages: readonly MessageSendRequest<TaskMessage>[],
  ): Promise<void> => {
    try {
      await withTimeout(SEND_TIMEOUT_MS, queues[queue].sendBatch(messages));
    } catch (error) {
      const tasks = messages.reduce((sum, { body }) => sum + body.ids.length, 0);
      log.warn('hand_over_failed', { queue, tasks, error: describeError(error) });
    }
  };

  return {
    /** As few messages as may be, each to be delivered after its tasks' delay (whole seconds); never throws. */
    async enqueue<Each extends QueuedTask>(
      tasks: readonly Each[],
      delaySecondsOf = (_task: Each): number => 0,
    ): Promise<void> {
      const batches = [...Map.groupBy(tasks, ({ queue }) => queue as QueueName)].flatMap(
        ([queue, rows]) => {
          const alike = Map.groupBy(rows, (row) => `${delaySecondsOf(row)} ${row.owner}`);
          const messages = [...alike.values()].flatMap((group) => {
            const [{ owner }, delaySeconds] = [group[0] as Each, delaySecondsOf(group[0] as Each)];
            return toMessages(group, owner, queue).map((body) => ({ body, delaySeconds }));
          });
          return chunk(messages, { most: MAX_BATCH }).map((batch) => sendBatch(queue, batch));
        },
      );
      await Promise.all(batches);
    },

    /**
     * What a queue says of itself: how many messages it holds and since when (ms), and, by their bytes, how many tasks
     * those name, rather too many than too few; Infinity when it does not answer.
     */
    async metrics(
      queue: QueueName,
    ): Promise<{ backlog: number; tasks: number; oldestAt: number | null }> {
      try {
        const { backlogCount, backlogBytes, oldestMessageTimestamp } = await withTimeout(
          SEND_TIMEOUT_MS,
          queues[queue].metrics(),
        );
        const named = Math.floor((backlogBytes - backlogCount * HINT_BYTES) / TASK_BYTES);
        const oldestAt = backlogCount === 0 ? null : (oldestMessageTimestamp?.getTime() ?? null);
        return { backlog: backlogCount, tasks: Math.max(backlogCount, named), oldestAt };
      } catch (error) {
        log.warn('queue_metrics_failed', { queue, error: describeError(error) });
        return { backlog: Infinity, tasks: Infinity, oldestAt: null };
      }
    },
  };
};
