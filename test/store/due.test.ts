import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createDueStore } from '../../src/store/due.ts';
import { aTask, store } from '../support/rows.ts';

const NOW = 1_900_000_000_000;
const due = createDueStore(env.DB);

it('reads when anything is due next, by kind', async () => {
  await store(
    aTask({ scheduledAt: NOW + 5_000 }, NOW),
    aTask({ scheduledAt: NOW + 9_000 }, NOW),
    aTask({}, NOW),
  );
  const next = await due.readNextWake();
  expect(next).toMatchObject({ NEW: NOW + 5_000, IN_PROGRESS: null, DELIVERY: null, PARKED: 0 });
  expect(next.PENDING).toBeGreaterThan(NOW);
  await env.DB.prepare("UPDATE tasks SET wake_at = NULL WHERE status = 'PENDING'").run();
  expect(await due.readNextWake()).toMatchObject({ PENDING: null, PARKED: 1 });
});

it('counts what waits in a queue, no further than asked', async () => {
  await store(
    ...Array.from({ length: 5 }, () => aTask({ queue: 'external-low', priority: 'LOW' })),
  );
  expect(await due.countWaiting('external-low', 100)).toBe(5);
  expect(await due.countWaiting('external-low', 2)).toBe(2);
  expect(await due.countWaiting('external-high', 2)).toBe(0);
});
