import type { Publish } from './publisher.ts';
import { describeError } from '../domain/errors.ts';
import { chunk } from '../domain/chunk.ts';
import type { Outcome, Verdict } from '../domain/retry.ts';
import type { TaskMessage, Lane, Task } from '../domain/task.ts';
import type { Logger } from '../log.ts';
import type { Transitions } from '../store/transitions.ts';
import type { TaskQueues } from './task-queues.ts';
import type { LongTasks } from './long-tasks.ts';
import type { Recorder } from './recorder.ts';
import type { Runner } from './runner.ts';
import { createMessageTracker, RETRY_SECONDS, type Settlement } from './message-tracker.ts';

/** Groups wait for each other; after so long the rest goes back to its queue, to wait for nobody. */
const MAX_WAIT_MS = 30_000;
/** Tasks that are claimed with one statement and run side by side. */
const MAX_TOGETHER = 1_000;

export interface ConsumerDeps {
  transitions: Pick<Transitions, 'claim'>;
  /** A runner for one batch. */
  runner(): Runner;
  recorder: Recorder;
  taskQueues: Pick<TaskQueues, 'enqueue'>;
  longTasks: Pick<LongTasks, 'start'>;
  /** Tasks that may take longer than this are run by a Workflow, so that they hold up no batch. */
  longTaskMs: number;
  publish: Publish;
  now(): number;
  log: Logger;
}

type Messages = readonly Message<TaskMessage>[];

/**
 * A batch is started in so many parts, so that what it starts first goes on while the rest is started. Light tasks that
 * end at once have nothing to go on with, and then a turn would be idle.
 */
const PARTS = 10;
const nextTurn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/** A batch of hints: claim, execute, record, settle. */
export const createConsumer = (parts: ConsumerDeps) => {
  const { transitions, recorder, taskQueues, longTasks, longTaskMs, publish, now, log } = parts;

  /** The task's outcome; null when a Workflow will see to it. */
  const outcomeOf = async (task: Task, runner: Runner): Promise<Outcome | null> => {
    if (task.timeout_ms <= longTaskMs) return runner.run(task);
    try {
      await longTasks.start(task);
      return null;
    } catch (error) {
      // Should it have been started all the same, it finds that this attempt is over.
      return {
        kind: 'failed',
        error: { code: 'workflow_unavailable', message: describeError(error) },
        retryable: true,
      };
    }
  };

  const execute = async (
    tasks: readonly Task[],
    settlementOf: ReadonlyMap<string, Settlement>,
  ): Promise<void> => {
    const runner = parts.runner();
    const batch = recorder.forBatch(tasks.length);
    const recordOne = async (task: Task, ending: Promise<Outcome | null>): Promise<void> => {
      const settlement = settlementOf.get(task.id);
      const outcome = await ending;
      if (outcome === null) {
        batch.skip();
        return settlement?.settled(task, null);
      }
      let verdict: Verdict;
      try {
        verdict = await batch.record(task, outcome);
      } catch (error) {
        log.error('outcome_not_recorded', {
          task_id: task.id,
          attempt: task.attempt,
          error: describeError(error),
        });
        return settlement?.unsettled();
      }
      return settlement?.settled(task, verdict);
    };
    const size = Math.ceil(tasks.length / PARTS);
    const isLight = tasks[0]?.queue.startsWith('default' satisfies Lane);
    const recording: Promise<void>[] = [];
    for (let from = 0; from < tasks.length; from += size) {
      const endings = tasks.slice(from, from + size).map((task) => {
        const ending = outcomeOf(task, runner);
        recording.push(recordOne(task, ending));
        return ending;
      });
      await (isLight ? Promise.race([Promise.all(endings), nextTurn()]) : nextTurn());
    }
    await Promise.all(recording);
    runner.stop();
  };

  /** One settlement for each message by which something was claimed; what names nothing else is acked. */
  const trackMessages = (messages: Messages, claimed: readonly Task[]): Map<string, Settlement> => {
    const isClaimed = new Set(claimed.map(({ id }) => id));
    const settlementOf = new Map<string, Settlement>();
    for (const message of messages) {
      // Each task belongs to one message: duplicates within the batch end here. Of what was not claimed the row says
      // why, and the clock is the safety net.
      const ids = new Set(message.body.ids.filter((id) => isClaimed.delete(id)));
      if (ids.size === 0) {
        message.ack();
        continue;
      }
      const settlement = createMessageTracker(message, ids.size, taskQueues);
      for (const id of ids) settlementOf.set(id, settlement);
    }
    return settlementOf;
  };

  const claimAndRun = async (messages: Messages): Promise<void> => {
    const keys = messages.flatMap(({ body: { owner, ids } }) => ids.map((id) => ({ owner, id })));
    let claimed: Task[];
    try {
      claimed = await transitions.claim(keys, now(), messages[0]?.body.alone ?? false);
    } catch (error) {
      // It may have been committed, and then nobody holds the claim: its lease brings the task back.
      log.warn('claim_failed', { tasks: keys.length, error: describeError(error) });
      for (const message of messages) message.retry({ delaySeconds: RETRY_SECONDS });
      return;
    }
    await Promise.all([publish(claimed), execute(claimed, trackMessages(messages, claimed))]);
  };

  return {
    /** Never throws, and settles every message by name: the local broker forgets the acks of a batch that throws. */
    async consume(messages: Messages): Promise<void> {
      const sound = messages.filter(isTaskMessage);
      for (const message of messages) if (!isTaskMessage(message)) message.ack();
      const together = sound.filter(({ body }) => !body.alone);
      const alone = sound.filter(({ body }) => body.alone).map((message) => [message]);
      const startedAt = now();
      for (const group of [
        ...chunk(together, { sizeOf: ({ body }) => body.ids.length, maxSize: MAX_TOGETHER }),
        ...alone,
      ]) {
        if (now() - startedAt <= MAX_WAIT_MS) await claimAndRun(group);
        else for (const message of group) message.retry({ delaySeconds: 1 });
      }
    },

    /** Dead letters: a hundred deliveries came to nothing. The row is untouched, and the clock still has it. */
    handleDeadLetters(messages: Messages): void {
      for (const message of messages) {
        if (isTaskMessage(message))
          for (const task_id of message.body.ids) log.error('dead_letter', { task_id });
        else log.error('dead_letter');
        message.ack();
      }
    },
  };
};

const isTaskMessage = ({ body }: Message<TaskMessage>): boolean =>
  typeof body?.owner === 'string' &&
  Array.isArray(body.ids) &&
  body.ids.every((id) => typeof id === 'string');
