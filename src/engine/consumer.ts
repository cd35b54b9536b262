import { describeError } from '../domain/errors.ts';
import type { Task } from '../domain/task.ts';
import type { Logger } from '../log.ts';
import type { Transitions } from '../store/transitions.ts';
import type { BatchRunner } from './batch-runner.ts';
import { RETRY_SECONDS, trackMessages } from './message-tracker.ts';
import { isTaskMessage, parseMessages, type Messages } from './parse-messages.ts';
import type { TaskQueues } from './task-queues.ts';

/**
 * Groups wait for each other; after this long the rest goes back to its queue, so that it need not
 * wait.
 */
const MAX_WAIT_MS = 30_000;

export interface ConsumerDeps {
  transitions: Pick<Transitions, 'claim'>;
  runBatch: BatchRunner;
  taskQueues: Pick<TaskQueues, 'enqueue'>;
  now(): number;
  log: Logger;
}

/** The pipeline of a batch of messages: parse, claim, run, record, settle. */
export const createConsumer = (deps: ConsumerDeps) => {
  const { transitions, runBatch, taskQueues, now, log } = deps;

  return {
    /**
     * Never throws, and settles every message by name: the local broker forgets the acks of a batch
     * that throws.
     */
    async consume(messages: Messages): Promise<void> {
      const startedAt = now();
      for (const group of parseMessages(messages)) {
        if (now() - startedAt > MAX_WAIT_MS) retryAll(group, 1);
        else await claimAndRun(group);
      }
    },

    /**
     * Dead letters: a hundred deliveries came to nothing. The row is untouched, and the clock still
     * has it.
     */
    handleDeadLetters(messages: Messages): void {
      for (const message of messages) {
        const ids = isTaskMessage(message) ? message.body.ids : [undefined];
        for (const task_id of ids) log.error('dead_letter', { task_id });
        message.ack();
      }
    },
  };

  async function claimAndRun(messages: Messages): Promise<void> {
    const claimed = await claim(messages);
    if (claimed === null) return retryAll(messages, RETRY_SECONDS);
    const trackers = trackMessages(messages, claimed, taskQueues);
    await runBatch(claimed, trackers);
  }

  /**
   * Null when the database did not answer. It may have committed: then the lease brings the tasks
   * back.
   */
  async function claim(messages: Messages): Promise<Task[] | null> {
    const keys = messages.flatMap(({ body: { owner, ids } }) => ids.map((id) => ({ owner, id })));
    try {
      return await transitions.claim(keys, now(), messages[0]?.body.isolated ?? false);
    } catch (error) {
      log.warn('claim_failed', { tasks: keys.length, error: describeError(error) });
      return null;
    }
  }
};

const retryAll = (messages: Messages, delaySeconds: number): void => {
  for (const message of messages) message.retry({ delaySeconds });
};
