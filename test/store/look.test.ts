import { env } from 'cloudflare:workers';
import { beforeEach, expect, it } from 'vitest';
import { createQueueStore } from '../../src/store/queues.ts';
import { createSweeps } from '../../src/store/sweeps.ts';
import { createTransitions } from '../../src/store/transitions.ts';
import { aTask, looksUntil, rowOf, store } from '../support/rows.ts';

const NOW = 1_900_000_000_000;
const sweeps = createSweeps(env.DB);

beforeEach(() =>
  env.DB.batch([env.DB.prepare('DELETE FROM tasks'), env.DB.prepare('DELETE FROM queues')]),
);

it('looks no further than it is told', async () => {
  await store(aTask({}, NOW), aTask({ queue: 'default-low', priority: 'LOW' }, NOW));
  const until = NOW + 5_000;
  const { overdue } = await sweeps.sweep(NOW + 60_000, 10, [{ queue: 'default-low', until }]);
  expect(overdue.map(({ queue }) => queue)).toEqual(['default-low']);
  expect((await sweeps.sweep(NOW + 60_000, 10, [])).looked).toBe(0);
});

it('holds what runs, parks what is paused, and waits for a retry whose message waits', async () => {
  const [running, paused, retried] = [
    aTask({}, NOW),
    aTask({ queue: 'default-low', priority: 'LOW' }, NOW),
    aTask({}, NOW),
  ];
  await store(running, paused, retried);
  const transitions = createTransitions(env.DB);
  const claimed = await transitions.claim([running, retried], NOW, false);
  const task = claimed.find(({ id }) => id === retried.id) ?? retried;
  const error = { code: 'x', message: 'y' };
  const verdict = { transition: 'reschedule', error, delayMs: 20_000 } as const;
  await transitions.record([{ task, verdict }], NOW + 1_000);
  await createQueueStore(env.DB).pause('default-low', NOW);
  const swept = await sweeps.sweep(NOW + 6_000, 10, looksUntil(NOW + 6_000));
  expect(swept).toMatchObject({ looked: 3, parked: 1, overdue: [] });
  expect(await rowOf(running.id)).toMatchObject({ held: 'lease', wake_at: NOW + 15_000 });
  expect(await rowOf(paused.id)).toMatchObject({ held: 'queue', wake_at: null });
  expect(await rowOf(retried.id)).toMatchObject({ held: null, wake_at: NOW + 26_000 });
});
