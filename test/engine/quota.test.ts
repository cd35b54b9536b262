import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createQuota } from '../../src/engine/quota.ts';
import { createTaskStore } from '../../src/store/tasks.ts';
import { aTask, store } from '../support/rows.ts';

const setup = (maxUnfinished: number, unfinished: () => number) => {
  let now = 0;
  let counts = 0;
  const quota = createQuota({
    countUnfinished: async (_owner, most) => ((counts += 1), Math.min(unfinished(), most)),
    maxUnfinished,
    now: () => now,
  });
  const tryReserve = (n: number, owner = 'a') =>
    quota.tryReserve(Array.from({ length: n }, () => ({ owner })));
  return { tryReserve, counts: () => counts, pass: (ms: number) => void (now += ms) };
};

it('counts nothing while an owner is far from the limit', async () => {
  const { tryReserve, counts } = setup(1_000, () => 0);
  for (let i = 0; i < 100; i += 1) expect(await tryReserve(1)).toBe(true);
  expect(counts()).toBe(0);
  await tryReserve(1);
  expect(counts()).toBe(1);
});

it('refuses beyond it, each owner for itself, and lets in again when tasks have ended', async () => {
  let there = 0;
  const { tryReserve, pass, counts } = setup(10, () => there);
  expect(await tryReserve(10)).toBe(true);
  there = 10;
  pass(6_000);
  expect(await tryReserve(1)).toBe(false);
  expect(await tryReserve(1, 'b')).toBe(true);
  const before = counts();
  for (let i = 0; i < 50; i += 1) expect(await tryReserve(1)).toBe(false);
  expect(counts()).toBe(before);
  there = 3;
  pass(6_000);
  expect([await tryReserve(7), await tryReserve(1)]).toEqual([true, false]);
});

it('counts what has not ended, by an index, and no further than it must', async () => {
  const tasks = createTaskStore(env.DB);
  await store(
    ...Array.from({ length: 30 }, () =>
      aTask({ owner: 'counted', scheduledAt: Date.now() + 600_000 }),
    ),
  );
  await env.DB.prepare(
    `UPDATE tasks SET status = 'CANCELLED', wake_at = NULL, completed_at = 1 WHERE owner = 'counted' AND id IN (SELECT id FROM tasks WHERE owner = 'counted' LIMIT 5)`,
  ).run();
  expect(await tasks.countUnfinished('counted', 100)).toBe(25);
  expect(await tasks.countUnfinished('counted', 10)).toBe(10);
  expect(await tasks.countUnfinished('nobody', 10)).toBe(0);
});
