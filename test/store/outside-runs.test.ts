import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createOutsideRuns } from '../../src/store/outside-runs.ts';
import { createSweeps } from '../../src/store/sweeps.ts';
import { aTask, rowOf, store } from '../support/rows.ts';
import { observeDatabase } from '../support/database.ts';

const NOW = 1_900_000_000_000;
const runs = createOutsideRuns(env.DB);

it('claims by urgency and age, and reads no more than it takes', async () => {
  const owner = 'claims';
  const of = (type: string, priority: 'HIGH' | 'MEDIUM' | 'LOW', at: number) =>
    aTask({ owner, type, priority, queue: `worker-${priority.toLowerCase()}` }, NOW + at);
  const many = Array.from({ length: 300 }, (_, i) => of('a', 'LOW', 1_000 + i));
  const wanted = [
    of('b', 'HIGH', 5),
    of('a', 'MEDIUM', 1),
    of('a', 'MEDIUM', 2),
    of('b', 'LOW', 0),
  ];
  await store(...many, ...wanted);
  const { asked, stop } = observeDatabase();
  const first = await runs.claimForWorker(owner, ['a', 'b'], 3, NOW);
  stop();
  expect(first.map(({ id }) => id).toSorted()).toEqual(
    wanted
      .slice(0, 3)
      .map(({ id }) => id)
      .toSorted(),
  );
  expect(
    first.every(
      ({ status, attempt, held }) => status === 'IN_PROGRESS' && attempt === 1 && held === 'lease',
    ),
  ).toBe(true);
  console.log(`claiming 3 of 304 tasks reads ${asked[0]?.rowsRead} rows`);
  expect(asked[0]?.rowsRead).toBeLessThan(60);
  expect(await runs.claimForWorker(owner, ['b'], 10, NOW)).toMatchObject([{ id: wanted[3]?.id }]);
  expect(await runs.claimForWorker('nobody', ['a'], 10, NOW)).toEqual([]);
});

it('claims nothing that has expired before its first attempt', async () => {
  const task = aTask({ owner: 'late', type: 'a', queue: 'worker-low', expiresAt: NOW + 10 }, NOW);
  await store(task);
  expect(await runs.claimForWorker('late', ['a'], 1, NOW + 10)).toEqual([]);
  expect(await runs.claimForWorker('late', ['a'], 1, NOW + 9)).toMatchObject([{ id: task.id }]);
});

it('claims no more than 4 MB of parameters, but one task in any case', async () => {
  const owner = 'large';
  const text = 'x'.repeat(240_000);
  const tasks = Array.from({ length: 40 }, (_, i) =>
    aTask({ owner, type: 'a', queue: 'worker-low', priority: 'LOW', params: { text } }, NOW + i),
  );
  for (const task of tasks) await store(task);
  const claimed = [];
  for (let calls = 0; calls < 3; calls += 1)
    claimed.push((await runs.claimForWorker(owner, ['a'], 100, NOW)).length);
  expect(claimed).toEqual([17, 17, 6]);
});

it('renews up to the end of the task’s time, and no further', async () => {
  const task = aTask({ owner: 'renews', type: 'a', queue: 'worker-low', timeoutMs: 90_000 }, NOW);
  await store(task);
  await runs.claimForWorker('renews', ['a'], 1, NOW);
  const lease = { owner: 'renews', id: task.id, attempt: 1, progress: null };
  expect((await runs.renew([lease], NOW + 5_000)).get(task.id)?.until).toBe(NOW + 65_000);
  expect((await runs.renew([lease], NOW + 80_000)).get(task.id)?.until).toBe(NOW + 90_000);
  expect((await runs.renew([lease], NOW + 90_000)).size).toBe(0);
  expect((await runs.renew([{ ...lease, attempt: 2 }], NOW + 80_000)).size).toBe(0);
  const swept = await createSweeps(env.DB).sweep(NOW + 90_001, 100, []);
  expect(swept.rescued.map(({ id }) => id)).not.toContain(task.id);
  expect(swept.timedOut.map(({ id }) => id)).toContain(task.id);
});

it('hands a run over for the whole of its time', async () => {
  const task = aTask({ owner: 'hands', type: 'a', queue: 'worker-low', timeoutMs: 600_000 }, NOW);
  await store(task);
  await runs.claimForWorker('hands', ['a'], 1, NOW);
  await runs.handOver({ owner: 'hands', id: task.id, attempt: 2 });
  expect((await rowOf(task.id, 'hands')).wake_at).toBe(NOW + 10_000);
  await runs.handOver({ owner: 'hands', id: task.id, attempt: 1 });
  expect((await rowOf(task.id, 'hands')).wake_at).toBe(NOW + 600_000);
});
