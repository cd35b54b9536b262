import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { QUEUES } from '../../src/domain/routing.ts';
import { createQueueStore } from '../../src/store/queues.ts';
import { aTask, store } from '../support/rows.ts';

const queues = createQueueStore(env.DB);

it('lists every queue with what waits in it, parked or not', async () => {
  const low = { queue: 'default-low', priority: 'LOW' } as const;
  const parked = aTask(low);
  await store(aTask(low), parked);
  await env.DB.prepare('UPDATE tasks SET wake_at = NULL WHERE id = ?').bind(parked.id).run();
  const list = await queues.list(Date.now());
  expect(list.map(({ name }) => name)).toEqual([...QUEUES]);
  expect(list.find(({ name }) => name === 'default-low')).toEqual({
    name: 'default-low',
    paused_at: null,
    paused_by: null,
    pending: 2,
    in_progress: 0,
    oldest_due_at: expect.any(Number),
  });
});

it('is paused since it was first paused, and resumed by one call', async () => {
  await queues.pause('default-high', 1_000);
  await queues.pause('default-high', 2_000);
  const find = async () =>
    (await queues.list(Date.now())).find(({ name }) => name === 'default-high');
  expect((await find())?.paused_at).toBe(1_000);
  await queues.resume('default-high');
  await queues.resume('default-high');
  expect((await find())?.paused_at).toBeNull();
});
