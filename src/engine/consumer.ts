import type { Announce } from '../announce/announce.ts';
import { messageOf } from '../domain/errors.ts';
import { inGroups } from '../domain/groups.ts';
import type { Outcome, Verdict } from '../domain/retry.ts';
import type { Hint, Lane, Task } from '../domain/task.ts';
import type { Logger } from '../log.ts';
import type { Transitions } from '../store/transitions.ts';
import type { HandOver } from './hand-over.ts';
import type { LongTasks } from './long.ts';
import type { Recorder } from './recorder.ts';
import type { Runner } from './runner.ts';
import { createSettlement, RETRY_SECONDS, type Settlement } from './settlement.ts';

/** Groups wait for each other; after so long the rest goes back to its queue, to wait for nobody. */
const MAX_WAIT_MS = 30_000;
/** Tasks that are claimed with one statement and run side by side. */
const MAX_TOGETHER = 1_000;

export interface ConsumerParts {
  transitions: Pick<Transitions, 'claim'>;
  /** A runner for one batch. */
  runner(): Runner;
  recorder: Recorder;
  handOver: Pick<HandOver, 'send'>;
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

/** A batch of hints: claim, execute, record, settle. */
export const createConsumer = (parts: ConsumerParts) => {
  const { transitions, recorder, handOver, longTasks, longTaskMs, announce, now, log } = parts;

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
        error: { code: 'workflow_unavailable', message: messageOf(error) },
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
          error: messageOf(error),
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
  const settlementsOf = (messages: Messages, claimed: readonly Task[]): Map<string, Settlement> => {
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
      const settlement = createSettlement(message, ids.size, handOver);
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
      log.warn('claim_failed', { tasks: keys.length, error: messageOf(error) });
      for (const message of messages) message.retry({ delaySeconds: RETRY_SECONDS });
      return;
    }
    await Promise.all([announce(claimed), execute(claimed, settlementsOf(messages, claimed))]);
  };

  return {
    /** Never throws, and settles every message by name: the local broker forgets the acks of a batch that throws. */
    async consume(messages: Messages): Promise<void> {
      const sound = messages.filter(isHint);
      for (const message of messages) if (!isHint(message)) message.ack();
      const together = sound.filter(({ body }) => !body.alone);
      const alone = sound.filter(({ body }) => body.alone).map((message) => [message]);
      const startedAt = now();
      for (const group of [
        ...inGroups(together, { sizeOf: ({ body }) => body.ids.length, maxSize: MAX_TOGETHER }),
        ...alone,
      ]) {
        if (now() - startedAt <= MAX_WAIT_MS) await claimAndRun(group);
        else for (const message of group) message.retry({ delaySeconds: 1 });
      }
    },

    /** Dead letters: a hundred deliveries came to nothing. The row is untouched, and the clock still has it. */
    bury(messages: Messages): void {
      for (const message of messages) {
        if (isHint(message))
          for (const task_id of message.body.ids) log.error('dead_letter', { task_id });
        else log.error('dead_letter');
        message.ack();
      }
    },
  };
};

const isHint = ({ body }: Message<Hint>): boolean =>
  typeof body?.owner === 'string' &&
  Array.isArray(body.ids) &&
  body.ids.every((id) => typeof id === 'string');
