import type { QueueName } from '../domain/routing.ts';
import type { TaskQueues } from './task-queues.ts';

/** After a queue has stood still for this long, what waits longer is sent again, a few at a time. */
const STANDSTILL_MS = 600_000;

export interface WatermarkDeps {
  taskQueues: Pick<TaskQueues, 'metrics'>;
  now(): number;
}

/**
 * Which messages of a queue must have been delivered: those older than the oldest that it holds. The
 * clock looks at nothing younger, so that waiting in a backlog costs nothing.
 */
export const createWatermarks = ({ taskQueues, now }: WatermarkDeps) => {
  /** The oldest message of each queue, and since when it has been that one; ms. */
  const seen = new Map<QueueName, { oldestAt: number; since: number }>();

  return {
    /**
     * Until which moment (ms) messages are gone: with a task's first look a few seconds after its
     * message was sent, a message that is still on its way is not taken for lost. -Infinity where
     * nothing is known.
     */
    async find(queue: QueueName): Promise<number> {
      const { backlog, oldestAt } = await taskQueues.metrics(queue);
      if (backlog === 0) {
        seen.delete(queue);
        return now();
      }
      const before = seen.get(queue);
      // One that gives no answer, or does not tell its age, stands still.
      const mark = oldestAt ?? before?.oldestAt ?? -Infinity;
      if (before?.oldestAt !== mark) seen.set(queue, { oldestAt: mark, since: now() });
      const standsSince = seen.get(queue)?.since ?? now();
      const isStill = now() - standsSince >= STANDSTILL_MS;
      return isStill ? Math.max(mark, now() - STANDSTILL_MS) : mark;
    },
  };
};
