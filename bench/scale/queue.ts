import type { Assumptions } from './assumptions.ts';
import type { VirtualTime } from './virtual-time.ts';

interface Waiting<Body> {
  body: Body;
  attempts: number;
  sentAt: number;
}

/** What a queue carried. */
interface QueueUse {
  messages: number;
  batches: number;
  consumers: number;
  /** ms for which sends had to wait for the queue's rate. */
  throttledMs: number;
}

/**
 * A queue whose consumers scale as documented: after a batch it is seen whether more than one batch waits for
 * each, and then there is one more of them.
 */
export const createQueue = <Body>(
  time: VirtualTime,
  assumed: Assumptions,
  random: () => number,
  consume: (messages: Message<Body>[]) => Promise<void>,
) => {
  const waiting: Waiting<Body>[] = [];
  const use: QueueUse = { messages: 0, batches: 0, consumers: 1, throttledMs: 0 };
  let allowed = 1;
  let running = 0;
  /** When the rate of the queue lets the next message in. */
  let freeAt = 0;

  const toMessage = (one: Waiting<Body>): Message<Body> => ({
    id: '',
    body: one.body,
    attempts: one.attempts,
    timestamp: new Date(one.sentAt),
    ack: () => {},
    retry: ({ delaySeconds = 0 }: { delaySeconds?: number } = {}) =>
      void time.wait(delaySeconds * 1_000).then(() => {
        waiting.push({ ...one, attempts: one.attempts + 1 });
        start();
      }),
  });

  const start = (): void => {
    while (running < allowed && waiting.length > 0) {
      running += 1;
      use.batches += 1;
      use.consumers = Math.max(use.consumers, running);
      const batch = waiting.splice(0, assumed.batchSize).map(toMessage);
      void consume(batch).then(() => {
        running -= 1;
        const backlog = waiting.length / assumed.batchSize;
        if (backlog > allowed && allowed < assumed.consumers) allowed += 1;
        else if (waiting.length === 0 && allowed > 1) allowed -= 1;
        start();
      });
    }
  };

  return {
    use,
    async sendBatch(batch: Iterable<{ body: Body; delaySeconds?: number }>): Promise<void> {
      const messages = [...batch];
      use.messages += messages.length;
      freeAt = Math.max(freeAt, time.now()) + (messages.length * 1_000) / assumed.messagesASecond;
      const throttled = Math.max(0, freeAt - time.now() - 1_000);
      use.throttledMs += throttled;
      await time.wait(assumed.sendBatchMs + throttled);
      const [least, most] = assumed.deliveryMs;
      for (const { body, delaySeconds = 0 } of messages) {
        const ms = delaySeconds * 1_000 + least + random() * (most - least);
        void time.wait(ms).then(() => {
          waiting.push({ body, attempts: 1, sentAt: time.now() });
          start();
        });
      }
    },
    metrics: async () => ({
      backlogCount: waiting.length,
      backlogBytes: 0,
      oldestMessageTimestamp: waiting[0] ? new Date(waiting[0].sentAt) : undefined,
    }),
  };
};
