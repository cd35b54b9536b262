import type { Announce } from '../announce/announce.ts';
import { messageOf } from '../domain/errors.ts';
import type { Outcome, Verdict } from '../domain/retry.ts';
import type { Hint, Lane, Task } from '../domain/task.ts';
import type { Logger } from '../log.ts';
import { MAX_MESSAGE_DELAY_MS, type Transitions } from '../store/transitions.ts';
import type { LongTasks } from './long.ts';
import type { Recorder } from './recorder.ts';
import type { Runner } from './runner.ts';

/** When the database does not answer, the message comes back after this. */
const RETRY_SECONDS = 5;
/** Those run alone wait for each other; after so long the rest goes back to its queue, to wait for nobody. */
const MAX_ALONE_MS = 30_000;

export interface ConsumerParts {
  transitions: Pick<Transitions, 'claim'>;
  /** A runner for one batch. */
  runner(): Runner;
  recorder: Recorder;
  longTasks: Pick<LongTasks, 'start'>;
  /** Tasks that may take longer than this are run by a Workflow, so that they hold up no batch. */
  longTaskMs: number;
  announce: Announce;
  now(): number;
  log: Logger;
}

type Messages = readonly Message<Hint>[];

/**
 * A batch is started in so many parts, so that what it starts first goes on while the rest is started. Light tasks that
 * end at once have nothing to go on with, and then a turn would be idle.
 */
const PARTS = 10;
const nextTurn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/** The platform's own retry brings a task back after its delay; beyond a day the clock does. */
const settle = (message: Message<Hint>, verdict: Verdict): void => {
  if (verdict.transition !== 'retryLater' || verdict.delayMs > MAX_MESSAGE_DELAY_MS) message.ack();
  else message.retry({ delaySeconds: Math.ceil(verdict.delayMs / 1_000) });
};

/** A batch of hints: claim, execute, record, settle. */
export const createConsumer = (parts: ConsumerParts) => {
  const { transitions, recorder, longTasks, longTaskMs, announce, now, log } = parts;

  /** The task's outcome; null when a Workflow will see to it. */
  const outcomeOf = async (task: Task, runner: Runner): Promise<Outcome | null> => {
    if (task.timeout_ms <= longTaskMs) return runner.run(task);
    try {
      await longTasks.start(task);
      return null;
    } catch (error) {
      // Should it have been started all the same, it finds that this attempt is over.
      return { kind: 'failed', error: { code: 'workflow_unavailable', message: messageOf(error) }, retryable: true };
    }
  };

  const execute = async (tasks: readonly Task[], messageOfTask: ReadonlyMap<string, Message<Hint>>): Promise<void> => {
    const runner = parts.runner();
    const batch = recorder.forBatch(tasks.length);
    const recordOne = async (task: Task, ending: Promise<Outcome | null>): Promise<void> => {
      const message = messageOfTask.get(task.id);
      const outcome = await ending;
      if (outcome === null) {
        batch.skip();
        return message?.ack();
      }
      try {
        const verdict = await batch.record(task, outcome);
        if (message) settle(message, verdict);
      } catch (error) {
        log.error('outcome_not_recorded', { task_id: task.id, attempt: task.attempt, error: messageOf(error) });
        message?.retry({ delaySeconds: RETRY_SECONDS });
      }
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

  const claimAndRun = async (messages: Messages, alone: boolean): Promise<void> => {
    let claimed: Task[];
    try {
      claimed = await transitions.claim(
        messages.map(({ body }) => body),
        now(),
        alone,
      );
    } catch (error) {
      // It may have been committed, and then nobody holds the claim: its lease brings the task back.
      log.warn('claim_failed', { tasks: messages.length, error: messageOf(error) });
      for (const message of messages) message.retry({ delaySeconds: RETRY_SECONDS });
      return;
    }
    const byTask = new Map(messages.map((message) => [message.body.id, message]));
    const isClaimed = new Set(claimed.map(({ id }) => id));
    // The row says why it was not claimed, and the clock is the safety net. Duplicates within the batch end here too.
    for (const message of messages)
      if (!isClaimed.has(message.body.id) || byTask.get(message.body.id) !== message) message.ack();
    await Promise.all([announce(claimed), execute(claimed, byTask)]);
  };

  return {
    /** Never throws, and settles every message by name: the local broker forgets the acks of a batch that throws. */
    async consume(messages: Messages): Promise<void> {
      const sound = messages.filter(isHint);
      for (const message of messages) if (!isHint(message)) message.ack();
      const together = sound.filter(({ body }) => !body.alone);
      if (together.length > 0) await claimAndRun(together, false);
      const startedAt = now();
      for (const message of sound.filter(({ body }) => body.alone)) {
        if (now() - startedAt > MAX_ALONE_MS) message.retry({ delaySeconds: 1 });
        else await claimAndRun([message], true);
      }
    },

    /** Dead letters: a hundred deliveries came to nothing. The row is untouched, and the clock still has it. */
    bury(messages: Messages): void {
      for (const message of messages) {
        log.error('dead_letter', isHint(message) ? { task_id: message.body.id } : {});
        message.ack();
      }
    },
  };
};

const isHint = ({ body }: Message<Hint>): boolean => typeof body?.owner === 'string' && typeof body.id === 'string';
