import { createCoalescer } from '../domain/coalescer.ts';
import {
  computeNextTry,
  DELIVERY_RESEND_MS,
  snapshotAt,
  toDeliveryId,
  type Delivery,
  type DeliveryKey,
  type DeliveryResult,
} from '../domain/delivery.ts';
import { describeError } from '../domain/errors.ts';
import type { Task } from '../domain/task.ts';
import { toTaskView, type TaskView } from '../domain/view.ts';
import type { Logger } from '../log.ts';
import type { DeliveryStore, DeliveryUpdate } from '../store/deliveries.ts';
import type { TaskStore } from '../store/tasks.ts';

/** When the database does not answer, the message comes back after this. */
const RETRY_SECONDS = 5;
/** Tries that end this close to each other are written together. */
const GATHER_MS = 20;

/** The event that is delivered, in the shape that Standard Webhooks recommends. */
export interface TaskEvent {
  type: 'task.completed' | 'task.failed' | 'task.cancelled';
  /** When the task ended. */
  timestamp: string;
  owner: string;
  data: TaskView;
}

export interface DelivererDeps {
  deliveries: Pick<DeliveryStore, 'claim' | 'update'>;
  store: Pick<TaskStore, 'getMany'>;
  /** One try at one sink; never throws. */
  send(delivery: Delivery, task: Task, event: TaskEvent): Promise<DeliveryResult>;
  /** Called for every try: for metrics. */
  countTry(sink: Delivery['sink'], outcome: 'delivered' | 'failed' | 'given_up'): void;
  now(): number;
  random(): number;
  log: Logger;
}

const OUTCOMES = { DELIVERED: 'delivered', OPEN: 'failed', GIVEN_UP: 'given_up' } as const;

const toEvent = (delivery: Delivery, task: Task): TaskEvent => ({
  type: `task.${delivery.status.toLowerCase()}` as TaskEvent['type'],
  timestamp: new Date(delivery.owed_at).toISOString(),
  owner: delivery.owner,
  data: toTaskView(snapshotAt(task, delivery)),
});

interface Claimed {
  delivery: Delivery;
  task: Task;
}

/**
 * The consumer of the delivery queue: claim, try, update. The tasks themselves are never touched.
 */
export const createDeliverer = (deps: DelivererDeps) => {
  const { deliveries, store, send, countTry, now, random, log } = deps;

  const toUpdate = (delivery: Delivery, result: DeliveryResult): DeliveryUpdate => {
    const { owner, task_id, version, sink, tries, due_at } = delivery;
    const key = { owner, task_id, version, sink, tries };
    const ended = { ...key, due_at, wake_at: null, ended_at: now() };
    if (result.kind === 'delivered') return { ...ended, state: 'DELIVERED', last_error: null };
    const { error: last_error, final = false, retryAfterMs = 0 } = result;
    const at = final ? null : computeNextTry(delivery, retryAfterMs, now(), random);
    if (at === null) return { ...ended, state: 'GIVEN_UP', last_error };
    const wake_at = at + DELIVERY_RESEND_MS;
    return { ...key, state: 'OPEN', due_at: at, wake_at, ended_at: null, last_error };
  };

  const logTry = ({ delivery, task }: Claimed, { state, last_error }: DeliveryUpdate): void => {
    const { owner, task_id, sink, tries } = delivery;
    const { type: task_name, request_id } = task;
    const id = toDeliveryId(delivery);
    const fields = { delivery: id, owner, task_id, task_name, sink, tries, request_id };
    if (state === 'DELIVERED') log.info('delivery_made', fields);
    else if (state === 'OPEN') log.info('delivery_failed', { ...fields, error: last_error });
    else log.warn('delivery_given_up', { ...fields, error: last_error });
  };

  const claim = async (keys: readonly DeliveryKey[]): Promise<Claimed[]> => {
    const claimed = await deliveries.claim(keys, now());
    if (claimed.length === 0) return [];
    const tasks = await store.getMany(
      claimed.map(({ owner, task_id }) => ({ owner, id: task_id })),
    );
    const byId = new Map(tasks.map((task) => [task.id, task]));
    return claimed.flatMap((delivery) => {
      const task = byId.get(delivery.task_id);
      return task ? [{ delivery, task }] : [];
    });
  };

  const tryOnce = async (claimed: Claimed): Promise<DeliveryUpdate> => {
    const { delivery, task } = claimed;
    // It should never throw; if it does, the batch must not wait for it for ever.
    const result = await send(delivery, task, toEvent(delivery, task)).catch(
      (error: unknown): DeliveryResult => ({ kind: 'failed', error: describeError(error) }),
    );
    const update = toUpdate(delivery, result);
    countTry(delivery.sink, OUTCOMES[update.state]);
    logTry(claimed, update);
    return update;
  };

  /**
   * Tries all at once, and writes together what ends together: a slow receiver holds up no other
   * record.
   */
  const tryAll = (
    claimed: readonly Claimed[],
    write: (updates: DeliveryUpdate[]) => Promise<void>,
  ): Promise<void> =>
    new Promise((resolve, reject) => {
      let left = claimed.length;
      if (left === 0) resolve();
      let gathered: DeliveryUpdate[] = [];
      const flush = async (): Promise<void> => {
        const group = gathered;
        gathered = [];
        await write(group);
        left -= group.length;
        if (left === 0) resolve();
      };
      const flushing = createCoalescer(() => void flush().catch(reject));
      for (const each of claimed) {
        void tryOnce(each).then((update) => {
          gathered.push(update);
          flushing.request(GATHER_MS);
        }, reject);
      }
    });

  /** The platform's own retry brings a message back when it is due; the clock is the safety net. */
  const settle = (message: Message<DeliveryKey>, { state, due_at }: DeliveryUpdate): void => {
    if (state !== 'OPEN') return message.ack();
    message.retry({ delaySeconds: Math.ceil(Math.max(0, due_at - now()) / 1_000) });
  };

  return {
    /** Never throws, and settles every message by name. */
    async consume(messages: readonly Message<DeliveryKey>[]): Promise<void> {
      try {
        const claimed = await claim(messages.map(({ body }) => body));
        const byId = Map.groupBy(messages, ({ body }) => toDeliveryId(body));
        const claimedIds = new Set(claimed.map(({ delivery }) => toDeliveryId(delivery)));
        for (const message of messages)
          if (!claimedIds.has(toDeliveryId(message.body))) message.ack();
        await tryAll(claimed, async (updates) => {
          await deliveries.update(updates);
          for (const update of updates)
            for (const message of byId.get(toDeliveryId(update)) ?? []) settle(message, update);
        });
      } catch (error) {
        const fields = { deliveries: messages.length, error: describeError(error) };
        log.warn('deliveries_failed', fields);
        for (const message of messages) message.retry({ delaySeconds: RETRY_SECONDS });
      }
    },
  };
};
