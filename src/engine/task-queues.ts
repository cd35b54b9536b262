import { chunk } from '../domain/chunk.ts';
import { describeError } from '../domain/errors.ts';
import { BLOCKED_BY } from '../domain/flow.ts';
import { isLightQueue, type QueueName } from '../domain/routing.ts';
import { MESSAGE_VERSION, type Task, type TaskMessage } from '../domain/task.ts';
import { withTimeout } from '../domain/timeout.ts';
import type { Logger } from '../log.ts';

/**
 * Messages of one `sendBatch`, which takes a hundred, but 256 KB:
 * https://developers.cloudflare.com/queues/platform/limits/
 */
const MAX_BATCH = 50;
/**
 * Tasks that one message names: a queue is paid by the message, and fifty such messages stay below
 * its 256 KB.
 */
const MAX_TASKS = 100;
/** Their parameters, in UTF-16 units, so that a consumer can hold a batch. */
const MAX_PARAMS_CHARS = 128_000;
/** The size that unknown parameters count as. */
const UNKNOWN_PARAMS_CHARS = MAX_PARAMS_CHARS / 10;
/**
 * A queue that does not answer by then is left to the clock, so that callers need not wait longer.
 */
const SEND_TIMEOUT_MS = 2_000;

export type QueueBindings = Record<QueueName, Pick<Queue<TaskMessage>, 'sendBatch' | 'metrics'>>;

/** A task that is to be looked at. */
export type QueuedTask = Pick<Task, 'owner' | 'id' | 'queue' | 'rescues'> &
  Partial<Pick<Task, 'params' | 'blocked_by'>> & {
    /** Of its parameters, where they were not read. */
    bytes?: number;
  };

/**
 * The messages that name these tasks of one queue and owner. A task that waits on other services
 * has a message to itself, for an invocation has few connections; so has a task that was rescued
 * once: what killed a worker must not take its neighbours along.
 */
const toMessages = (tasks: readonly QueuedTask[], owner: string, queue: string): TaskMessage[] => {
  const base = { v: MESSAGE_VERSION, owner } as const;
  const toIds = (group: readonly QueuedTask[]): string[] => group.map(({ id }) => id);
  const rescued = tasks.filter(({ rescues }) => rescues > 0);
  const groups = chunk(
    tasks.filter(({ rescues }) => rescues === 0),
    {
      most: isLightQueue(queue) ? MAX_TASKS : 1,
      maxSize: MAX_PARAMS_CHARS,
      // What is filled in as it runs may be long.
      sizeOf: ({ params, bytes, blocked_by }) =>
        blocked_by === BLOCKED_BY.atRun
          ? MAX_PARAMS_CHARS
          : (params?.length ?? bytes ?? UNKNOWN_PARAMS_CHARS),
    },
  );
  return [
    ...groups.map((group) => ({ ...base, ids: toIds(group) })),
    ...rescued.map(({ id }) => ({ ...base, ids: [id], isolated: true as const })),
  ];
};

/**
 * Sends tasks to their queues. A message is only a hint: a failure is logged, and the clock sends
 * again.
 */
export const createTaskQueues = ({ queues, log }: { queues: QueueBindings; log: Logger }) => {
  const sendBatch = async (
    queue: QueueName,
    messages: readonly MessageSendRequest<TaskMessage>[],
  ): Promise<void> => {
    try {
      await withTimeout(SEND_TIMEOUT_MS, queues[queue].sendBatch(messages));
    } catch (error) {
      const tasks = messages.reduce((sum, { body }) => sum + body.ids.length, 0);
      log.warn('enqueue_failed', { queue, tasks, error: describeError(error) });
    }
  };

  return {
    /**
     * As few messages as may be, each to be delivered after its tasks' delay (whole seconds); never
     * throws.
     */
    async enqueue<Each extends QueuedTask>(
      tasks: readonly Each[],
      delaySecondsOf = (_task: Each): number => 0,
    ): Promise<void> {
      const enqueueTo = async (queue: QueueName, rows: readonly Each[]): Promise<void> => {
        const groups = Map.groupBy(rows, (row) => `${delaySecondsOf(row)} ${row.owner}`);
        const messages = [...groups.values()].flatMap((group) => {
          const [first] = group as [Each];
          const delaySeconds = delaySecondsOf(first);
          return toMessages(group, first.owner, queue).map((body) => ({ body, delaySeconds }));
        });
        const batches = chunk(messages, { most: MAX_BATCH });
        await Promise.all(batches.map((batch) => sendBatch(queue, batch)));
      };
      const byQueue = Map.groupBy(tasks, ({ queue }) => queue as QueueName);
      await Promise.all([...byQueue].map(([queue, rows]) => enqueueTo(queue, rows)));
    },

    /**
     * What a queue reports: how many messages it holds, Infinity when it does not answer, and since
     * when (ms).
     */
    async metrics(queue: QueueName): Promise<{ backlog: number; oldestAt: number | null }> {
      try {
        const { backlogCount, oldestMessageTimestamp } = await withTimeout(
          SEND_TIMEOUT_MS,
          queues[queue].metrics(),
        );
        const oldestAt = backlogCount === 0 ? null : (oldestMessageTimestamp?.getTime() ?? null);
        return { backlog: backlogCount, oldestAt };
      } catch (error) {
        log.warn('queue_metrics_failed', { queue, error: describeError(error) });
        return { backlog: Infinity, oldestAt: null };
      }
    },
  };
};

export type TaskQueues = ReturnType<typeof createTaskQueues>;
