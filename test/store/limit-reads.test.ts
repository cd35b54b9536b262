import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createAdmissionStore } from '../../src/store/admission.ts';
import { createLimitReads } from '../../src/store/limit-reads.ts';
import { holdTasks, putLimit } from '../support/limits.ts';
import { rowOf } from '../support/rows.ts';

const NOW = 1_900_000_000_000;
const reads = createLimitReads(env.DB);
const { admit } = createAdmissionStore(env.DB);

it('tells how a limit stands, and which sub-keys wait most', async () => {
  await putLimit('o', { max_running: 2, rate_count: 10, rate_ms: 1_000 }, NOW);
  await holdTasks('o', 8, NOW, { subKeys: ['a', 'a', 'a', 'b'] });
  await admit([{ owner: 'o', key: 'k' }], NOW);
  const [listed] = await reads.list('o', '', 10, NOW);
  expect(listed).toMatchObject({ key: 'k', running: 2, waiting: 6, tokens_now: 3 });
  const detail = await reads.get('o', 'k', NOW);
  expect(JSON.parse(detail?.top_waiting ?? '')).toEqual([
    { sub_key: 'a', waiting: 5, running: 1 },
    { sub_key: 'b', waiting: 1, running: 1 },
  ]);
  expect(await reads.list('o', 'k', 10, NOW)).toEqual([]);
  expect(await reads.get('o', 'other', NOW)).toBeNull();
});

it('counts what comes before a task: of its own sub-key, and of others in their turns', async () => {
  await putLimit('w', { max_running: 1 }, NOW);
  const tasks = await holdTasks('w', 12, NOW, { subKeys: ['a', 'a', 'a', 'b'] });
  await admit([{ owner: 'w', key: 'k' }], NOW);
  // Of "a" four have come, of "b" two wait: both are before it.
  const wait = await reads.getWait(await rowOf(tasks[6]?.id ?? '', 'w'), NOW);
  expect(wait).toMatchObject({ running: 1, sub_running: 1, before: 4, others: 3 });
  const first = await reads.getWait(await rowOf(tasks[3]?.id ?? '', 'w'), NOW);
  expect(first).toMatchObject({ sub_running: 0, before: 0, others: 1 });
});

it('measures the pace by what has ended', async () => {
  await putLimit('p', { max_running: 1 }, NOW);
  const tasks = await holdTasks('p', 12, NOW);
  for (const [i, { id }] of tasks.slice(0, 10).entries())
    await env.DB.prepare(
      `UPDATE tasks SET status = 'CANCELLED', turn = NULL, held = NULL, completed_at = ? WHERE id = ?`,
    )
      .bind(NOW + i * 500, id)
      .run();
  await admit([{ owner: 'p', key: 'k' }], NOW + 5_000);
  expect((await reads.get('p', 'k', NOW + 5_000))?.pace).toBe(2);
});
