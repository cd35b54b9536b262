import { expect, it } from 'vitest';
import type { Verdict } from '../../src/domain/retry.ts';
import { MESSAGE_VERSION } from '../../src/domain/task.ts';
import { RETRY_SECONDS, toMessageDelay, trackMessages } from '../../src/engine/message-tracker.ts';
import { aTask, OWNER } from '../support/rows.ts';

const complete: Verdict = { transition: 'complete', result: '1' };
const error = { code: 'x', message: 'x' };
const reschedule = (delayMs: number): Verdict => ({ transition: 'reschedule', error, delayMs });
const DAY_MS = 24 * 3_600_000;

const setup = (...messages: ReturnType<typeof aTask>[][]) => {
  const events: string[] = [];
  const trackers = trackMessages(
    messages.map((tasks, i) => ({
      body: { v: MESSAGE_VERSION, owner: OWNER, ids: tasks.map(({ id }) => id) },
      ack: () => void events.push(`ack ${i}`),
      retry: ({ delaySeconds }: { delaySeconds: number }) =>
        void events.push(`retry ${i} in ${delaySeconds}`),
    })) as never,
    [...new Set(messages.flat())],
    {
      enqueue: async (tasks, delayOf) =>
        void events.push(...tasks.map((task) => `enqueue in ${delayOf?.(task)}`)),
    },
  );
  return { events, trackers };
};

it('acks a message once all its tasks are recorded', async () => {
  const [a, b] = [aTask(), aTask()];
  const { events, trackers } = setup([a, b]);
  await trackers.get(a.id)?.resolve(a, complete);
  expect(events).toEqual([]);
  await trackers.get(b.id)?.resolve(b, complete);
  expect(events).toEqual(['ack 0']);
});

it('retries a message of one task, and sends a new one out of several', async () => {
  const [a, b, c] = [aTask(), aTask(), aTask()];
  const { events, trackers } = setup([a], [b, c]);
  await trackers.get(a.id)?.resolve(a, reschedule(1_500));
  await trackers.get(b.id)?.resolve(b, reschedule(2_500));
  await trackers.get(c.id)?.resolve(c, complete);
  expect(events).toEqual(['retry 0 in 2', 'enqueue in 3', 'ack 1']);
});

it('lets a message come back when an outcome is not known', async () => {
  const [a, b] = [aTask(), aTask()];
  const { events, trackers } = setup([a, b]);
  await trackers.get(a.id)?.resolveUnknown();
  await trackers.get(b.id)?.resolve(b, complete);
  expect(events).toEqual([`retry 0 in ${RETRY_SECONDS}`]);
});

it('acks a message whose tasks another one of the batch has', () => {
  const task = aTask();
  expect(setup([task], [task]).events).toEqual(['ack 1']);
});

it('leaves to the clock a delay of more than a day, and what has a limit', () => {
  expect(toMessageDelay(aTask(), reschedule(DAY_MS + 1))).toBeNull();
  expect(toMessageDelay(aTask(), reschedule(1))).toBe(1);
  expect(toMessageDelay(aTask(), complete)).toBeNull();
  expect(toMessageDelay(aTask({ limitKey: 'k' }), reschedule(1))).toBeNull();
});
