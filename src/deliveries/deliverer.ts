import {
  snapshotAt,
  toDeliveryId,
  DELIVERY_RESEND_MS,
  computeNextTry,
  type Delivery,
  type DeliveryKey,
  type DeliveryResult,
} from '../domain/delivery.ts';
import { describeError } from '../domain/errors.ts';
import type { Task } from '../domain/task.ts';
import { toTaskView, type TaskView } from '../domain/view.ts';
import { withTimeout } from '../domain/timeout.ts';
import type { Logger } from '../log.ts';
import type { DeliveryStore, Settlement } from '../store/deliveries.ts';
import type { TaskStore } from '../store/tasks.ts';

/** What a queue takes in one `sendBatch`. */
const MAX_BATCH = 100;
const SEND_TIMEOUT_MS = 2_000;
/** When the database does not answer, the message comes back after this. */
const RETRY_SECONDS = 5;
/** Tries that end this close to each other are written together. */
const GATHER_MS = 20;

/** What is told, in the shape that Standard Webhooks recommends. */
export interface TaskEvent {
  type: 'task.completed' | 'task.failed' | 'task.cancelled';
  /** When the task ended. */
  timestamp: string;
  owner: string;
  data: TaskView;
}

/** Hands deliveries to their own queue; a message is only a hint, so a failure is logged and the sweep sends again. */
export const createDeliveryQueue =
  ({ queue, log }: { queue: Pick<Queue<DeliveryKey>, 'sendBatch'>; log: Logger }) =>
  async (keys: readonly DeliveryKey[]): Promise<void> => {
    for (let i = 0; i < keys.length; i += MAX_BATCH) {
      const bodies = keys
        .slice(i, i + MAX_BATCH)
        .map(({ owner, task_id, version, sink }) => ({ body: { owner, task_id, version, sink } }));
      try {
        await withTimeout(SEND_TIMEOUT_MS, queue.sendBatch(bodies));
      } catch (error) {
        log.warn('hand_over_failed', {
          queue: 'deliveries',
          deliveries: bodies.length,
          error: describeError(error),
        });
      }
    }
  };

export interface DelivererDeps {
  deliveries: Pick<DeliveryStore, 'claim' | 'settle'>;
  store: Pick<TaskStore, 'getMany'>;
  /** One try at one sink; never throws. */
  send(delivery: Delivery, task: Task, event: TaskEvent): Promise<DeliveryResult>;
  /** Told of every try: for metrics. */
  countTry(sink: Delivery['sink'], outcome: 'delivered' | 'failed' | 'given_up'): void;
  now(): number;
  random(): number;
  log: Logger;
}

const OUTCOME = { DELIVERED: 'delivered', OPEN: 'failed', GIVEN_UP: 'given_up' } as const;

const eventOf = (delivery: Delivery, task: Task): TaskEvent => {
  const data = toTaskView(snapshotAt(task, delivery));
  const type = `task.${delivery.status.toLowerCase()}` as TaskEvent['type'];
  return { type, timestamp: new Date(delivery.owed_at).toISOString(), owner: delivery.owner, data };
};

/** The consumer of the delivery queue: claim, try, settle. The tasks themselves are never touched. */
export const createDeliverer = ({
  deliveries,
  store,
  send,
  countTry,
  now,
  random,
  log,
}: DelivererDeps) => {
  const settlementOf = (delivery: Delivery, result: DeliveryResult): Settlement => {
    const { owner, task_id, version, sink, tries } = delivery;
    const ended = {
      owner,
      task_id,
      version,
      sink,
      tries,
      due_at: delivery.due_at,
      wake_at: null,
      ended_at: now(),
    };
    if (result.kind === 'delivered') return { ...ended, state: 'DELIVERED', last_error: null };
    const at = result.final
      ? null
      : computeNextTry(delivery, result.retryAfterMs ?? 0, now(), random);
    if (at === null) return { ...ended, state: 'GIVEN_UP', last_error: result.error };
    const open = {
      state: 'OPEN',
      due_at: at,
      wake_at: at + DELIVERY_RESEND_MS,
      ended_at: null,
    } as const;
    return { ...ended, ...open, last_error: result.error };
  };

  const report = (delivery: Delivery, { state, last_error }: Settlement, task: Task): void => {
    const { owner, task_id, sink, tries } = delivery;
    countTry(sink, OUTCOME[state]);
    const fields = {
      delivery: toDeliveryId(delivery),
      owner,
      task_id,
      task_name: task.type,
      sink,
      tries,
      request_id: task.request_id,
    };
    if (state === 'DELIVERED') log.info('delivery_made', fields);
    else if (state === 'OPEN') log.info('delivery_failed', { ...fields, error: last_error });
    else log.warn('delivery_given_up', { ...fields, error: last_error });
  };

  const claimed = async (
    keys: readonly DeliveryKey[],
  ): Promise<{ delivery: Delivery; task: Task }[]> => {
    const found = await deliveries.claim(keys, now());
    if (found.length === 0) return [];
    const tasks = await store.getMany(found.map(({ owner, task_id }) => ({ owner, id: task_id })));
    const byId = new Map(tasks.map((task) => [task.id, task]));
    return found.flatMap((delivery) => {
      const task = byId.get(delivery.task_id);
      return task ? [{ delivery, task }] : [];
    });
  };

  /** The platform's own retry brings a message back when it is due; the sweep is the safety net. */
  const finish = (message: Message<DeliveryKey>, { state, due_at }: Settlement): void => {
    if (state === 'OPEN')
      message.retry({ delaySeconds: Math.ceil(Math.max(0, due_at - now()) / 1_000) });
    else message.ack();
  };

  /** Tries all at once, and settles together what ends together: a slow receiver holds up nobody's record. */
  const settleAsTheyEnd = async (
    work: readonly { delivery: Delivery; task: Task }[],
    settle: (ended: Settlement[]) => Promise<void>,
  ): Promise<void> => {
    let ended: Settlement[] = [];
    let left = work.length;
    let wake = (): void => {};
    for (const { delivery, task } of work) {
      // It should never throw; if it does, the batch must not wait for it for ever.
      const failed = (error: unknown): DeliveryResult => ({
        kind: 'failed',
        error: describeError(error),
      });
      void send(delivery, task, eventOf(delivery, task))
        .catch(failed)
        .then((result) => {
          const settlement = settlementOf(delivery, result);
          report(delivery, settlement, task);
          ended.push(settlement);
          wake();
        });
    }
    while (left > 0) {
      if (ended.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      // Those that end in the same moment share a statement.
      await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
      const group = ended;
      ended = [];
      left -= group.length;
      await settle(group);
    }
  };

  return {
    /** Never throws, and settles every message by name. */
    async consume(messages: readonly Message<DeliveryKey>[]): Promise<void> {
      try {
        const work = await claimed(messages.map(({ body }) => body));
        const messagesOf = Map.groupBy(messages, ({ body }) => toDeliveryId(body));
        const mine = new Set(work.map(({ delivery }) => toDeliveryId(delivery)));
        for (const message of messages) if (!mine.has(toDeliveryId(message.body))) message.ack();
        await settleAsTheyEnd(work, async (settlements) => {
          await deliveries.settle(settlements);
          for (const each of settlements)
            for (const message of messagesOf.get(toDeliveryId(each)) ?? []) finish(message, each);
        });
      } catch (error) {
        log.warn('deliveries_failed', { deliveries: messages.length, error: describeError(error) });
        for (const message of messages) message.retry({ delaySeconds: RETRY_SECONDS });
      }
    },
  };
};
