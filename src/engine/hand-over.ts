import { messageOf } from '../domain/errors.ts';
import type { QueueName } from '../domain/routing.ts';
import type { Hint, Task } from '../domain/task.ts';
import { within } from '../domain/within.ts';
import type { Logger } from '../log.ts';

/** What a queue takes in one `sendBatch`: https://developers.cloudflare.com/queues/platform/limits/ */
const MAX_BATCH = 100;
/** A queue that does not answer is left to the sweep: nobody waits longer for it. */
const SEND_TIMEOUT_MS = 2_000;

export type TaskQueues = Record<QueueName, Pick<Queue<Hint>, 'sendBatch' | 'metrics'>>;

export type HandOver = ReturnType<typeof createHandOver>;

/** Hands tasks to their queues. A message is only a hint: a failure is logged, and the sweep sends again. */
export const createHandOver = ({ queues, log }: { queues: TaskQueues; log: Logger }) => ({
  /** One `sendBatch` per queue and 100 tasks, to be delivered after the delay; never throws. */
  async send(tasks: readonly Pick<Task, 'owner' | 'id' | 'queue' | 'rescues'>[], delaySeconds = 0): Promise<void> {
    const byQueue = Map.groupBy(tasks, ({ queue }) => queue as QueueName);
    const sendOne = async (name: QueueName, rows: typeof tasks): Promise<void> => {
      try {
        await within(SEND_TIMEOUT_MS, queues[name].sendBatch(rows.map((row) => ({ body: hintOf(row), delaySeconds }))));
      } catch (error) {
        log.warn('hand_over_failed', { queue: name, tasks: rows.length, error: messageOf(error) });
      }
    };
    const batches = [...byQueue].flatMap(([name, rows]) =>
      Array.from({ length: Math.ceil(rows.length / MAX_BATCH) }, (_, i) =>
        sendOne(name, rows.slice(i * MAX_BATCH, (i + 1) * MAX_BATCH)),
      ),
    );
    await Promise.all(batches);
  },

  /** What a queue says of itself: how many messages it holds and since when (ms); Infinity when it does not answer. */
  async metrics(queue: QueueName): Promise<{ backlog: number; oldestAt: number | null }> {
    try {
      const { backlogCount, oldestMessageTimestamp } = await within(SEND_TIMEOUT_MS, queues[queue].metrics());
      return {
        backlog: backlogCount,
        oldestAt: backlogCount === 0 ? null : (oldestMessageTimestamp?.getTime() ?? null),
      };
    } catch (error) {
      log.warn('queue_metrics_failed', { queue, error: messageOf(error) });
      return { backlog: Infinity, oldestAt: null };
    }
  },
});

/** Whoever was rescued once is run alone: what killed a worker must not take its neighbours along again. */
const hintOf = ({ owner, id, rescues }: Pick<Task, 'owner' | 'id' | 'rescues'>): Hint =>
  rescues > 0 ? { owner, id, alone: true } : { owner, id };
