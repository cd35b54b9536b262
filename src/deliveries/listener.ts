import type { CommitListener } from '../domain/commit-listener.ts';
import type { DeliveryKey } from '../domain/delivery.ts';
import type { CommittedTask } from '../domain/task.ts';
import { isFinal, type DeliverySink } from '../domain/words.ts';
import type { SendDeliveries } from './queue.ts';

/**
 * The deliveries that this transition set in motion; the triggers have written their rows with it.
 */
const findPending = (task: CommittedTask): DeliveryKey[] => {
  const { owner, id, version, status, callback_url, failure_sinks } = task;
  if (!isFinal(status)) return [];
  const isFailure = status === 'FAILED' && failure_sinks !== null;
  const sinks: DeliverySink[] = isFailure ? (JSON.parse(failure_sinks) as DeliverySink[]) : [];
  if (callback_url !== null) sinks.unshift('callback');
  return sinks.map((sink) => ({ owner, task_id: id, version, sink }));
};

/** Sends pending deliveries to their queue, so that they need not wait for the clock. */
export const createDeliveryListener = (sendDeliveries: SendDeliveries): CommitListener => ({
  name: 'deliveries',
  onCommit: (tasks) => {
    const pending = tasks.flatMap(findPending);
    return pending.length > 0 ? sendDeliveries(pending) : undefined;
  },
});
