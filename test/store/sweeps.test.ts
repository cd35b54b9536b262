import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createQueueStore } from '../../src/store/queues.ts';
import { createSweeps } from '../../src/store/sweeps.ts';
import { createTransitions } from '../../src/store/transitions.ts';
import { aTask, looksUntil, rowOf, store } from '../support/rows.ts';

const NOW = 1_900_000_000_000;
const sweeps = createSweeps(env.DB);

it('moves each kind of due row once, and leaves what is not due alone', async () => {
  const [scheduled, waiting, future] = [
    aTask({ scheduledAt: NOW + 1_000 }, NOW),
    aTask({}, NOW),
    aTask({ scheduledAt: NOW + 10_000_000 }, NOW),
  ];
  await store(scheduled, waiting, future);
  const swept = await sweeps.sweep(NOW + 60_000, 100, looksUntil(NOW + 60_000));
  expect(swept.dispatched.map(({ id }) => id)).toEqual([scheduled.id]);
  expect(swept.overdue.map(({ id }) => id)).toEqual([waiting.id]);
  expect((await rowOf(future.id)).status).toBe('NEW');
  const again = await sweeps.sweep(NOW + 60_000, 100, looksUntil(NOW + 60_000));
  expect([again.dispatched, again.overdue]).toEqual([[], []]);
});

it('brings back a claim whose lease ran out, three times, and then calls it lost', async () => {
  const task = aTask({}, NOW);
  await store(task);
  const transitions = createTransitions(env.DB);
  let now = NOW;
  for (let rescue = 1; rescue <= 3; rescue += 1) {
    expect(await transitions.claim([task], now, true)).toHaveLength(1);
    now += 10_000_000;
    expect((await sweeps.sweep(now, 100, looksUntil(now))).rescued.map(({ id }) => id)).toEqual([
      task.id,
    ]);
    expect((await rowOf(task.id)).rescues).toBe(rescue);
  }
  await transitions.claim([task], now, true);
  now += 10_000_000;
  expect((await sweeps.sweep(now, 100, looksUntil(now))).lost.map(({ id }) => id)).toEqual([
    task.id,
  ]);
  expect(await rowOf(task.id)).toMatchObject({ status: 'FAILED', wake_at: null });
});

it('parks the due rows of a paused queue, and unparks them when it is resumed', async () => {
  const task = aTask({ queue: 'default-low', priority: 'LOW' }, NOW);
  await store(task);
  const queues = createQueueStore(env.DB);
  await queues.pause('default-low', NOW);
  expect((await sweeps.sweep(NOW + 60_000, 100, looksUntil(NOW + 60_000))).parked).toBe(1);
  expect((await rowOf(task.id)).wake_at).toBeNull();
  await queues.resume('default-low');
  const { unparked } = await sweeps.sweep(NOW + 61_000, 100, looksUntil(NOW + 61_000));
  expect(unparked.map(({ id }) => id)).toEqual([task.id]);
});
