import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createSweeps } from '../../src/store/sweeps.ts';
import { IS_TIMED_OUT } from '../../src/store/outside-sweeps.ts';
import { aTask, store } from '../support/rows.ts';

const NOW = 1_900_000_000_000;

it.each([
  ['worker-low', 'crunch', NOW + 30_000, 1],
  ['worker-low', 'crunch', NOW + 29_999, 0],
  ['external-low', 'hook', NOW + 30_000, 1],
  ['external-low', 'weather', NOW + 30_000, 0],
  ['default-low', 'sum', NOW + 30_000, 0],
])('a run in %s of the type %s and a lease until %i', async (queue, type, wakeAt, isTimedOut) => {
  const task = aTask({ owner: 'timed', queue, type, timeoutMs: 30_000 }, NOW);
  await store(task);
  await env.DB.prepare(
    `INSERT OR IGNORE INTO task_types (owner, name, definition, created_at, updated_at) VALUES ('timed', 'hook', '{}', 1, 1)`,
  ).run();
  await env.DB.prepare(
    `UPDATE tasks SET status = 'IN_PROGRESS', attempt = 1, held = 'lease', started_at = ?2, wake_at = ?3 WHERE id = ?1`,
  )
    .bind(task.id, NOW, wakeAt)
    .run();
  const found = await env.DB.prepare(`SELECT ${IS_TIMED_OUT} AS timed FROM tasks WHERE id = ?1`)
    .bind(task.id)
    .first();
  expect(found).toEqual({ timed: isTimedOut });
  const swept = await createSweeps(env.DB).sweep(NOW + 40_000, 100, []);
  const ids = (rows: readonly { id: string }[]) => rows.map(({ id }) => id);
  expect(ids(swept.timedOut).includes(task.id)).toBe(isTimedOut === 1);
  expect(ids(swept.rescued).includes(task.id)).toBe(isTimedOut === 0);
});
