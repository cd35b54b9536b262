import { chunk } from '../domain/chunk.ts';
import type { DeliveryKey } from '../domain/delivery.ts';
import { describeError } from '../domain/errors.ts';
import { withTimeout } from '../domain/timeout.ts';
import type { Logger } from '../log.ts';

/**
 * The limits of one `sendBatch`: https://developers.cloudflare.com/queues/platform/limits/
 */
const MAX_BATCH = 100;
const SEND_TIMEOUT_MS = 2_000;

/** Sends deliveries to their queue; never throws. */
export type SendDeliveries = (keys: readonly DeliveryKey[]) => Promise<void>;

/** The row decides, not the message: a failure is logged, and the clock sends again. */
export const createDeliveryQueue =
  ({ queue, log }: { queue: Pick<Queue<DeliveryKey>, 'sendBatch'>; log: Logger }): SendDeliveries =>
  async (keys) => {
    for (const batch of chunk(keys, { most: MAX_BATCH })) {
      const messages = batch.map(({ owner, task_id, version, sink }) => ({
        body: { owner, task_id, version, sink },
      }));
      try {
        await withTimeout(SEND_TIMEOUT_MS, queue.sendBatch(messages));
      } catch (error) {
        const fields = { queue: 'deliveries', deliveries: messages.length };
        log.warn('enqueue_failed', { ...fields, error: describeError(error) });
      }
    }
  };
