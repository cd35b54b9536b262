import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createCounts } from '../../src/store/counts.ts';
import { aTask, store } from '../support/rows.ts';

const counts = createCounts(env.DB);
const later = { scheduledAt: Date.now() + 3_600_000 };
const fail = (id: string, message: string) =>
  env.DB.prepare(
    `UPDATE tasks
    SET status = 'FAILED', wake_at = NULL, completed_at = 5,
      attempts = json_array(json_object('error', json_object('code', 'x', 'message', ?)))
    WHERE id = ?`,
  )
    .bind(message, id)
    .run();

it('counts by status, of one owner and of all', async () => {
  await env.DB.prepare('DELETE FROM tasks').run();
  const done = aTask({ owner: 'a', ...later });
  await store(aTask({ owner: 'a', ...later }), done, aTask({ owner: 'b', ...later }));
  await env.DB.prepare(
    "UPDATE tasks SET status = 'COMPLETED', wake_at = NULL, completed_at = 1, result = '1' WHERE id = ?",
  )
    .bind(done.id)
    .run();
  expect(await counts.countOfOwner('a')).toMatchObject({ NEW: 1, COMPLETED: 1, FAILED: 0 });
  expect(await counts.countOfAll()).toMatchObject({ NEW: 2, COMPLETED: 1 });
  expect(await counts.countOfOwner('nobody')).toMatchObject({ NEW: 0, COMPLETED: 0 });
});

it('finds since when the oldest waiting task is due', async () => {
  expect(await counts.findOldestWaiting('waiting', 9_000)).toBeNull();
  await store(aTask({ owner: 'waiting' }, 5_000), aTask({ owner: 'waiting' }, 3_000));
  expect(await counts.findOldestWaiting('waiting', 9_000)).toBe(3_000);
});

it('counts deliveries that have not ended', async () => {
  const { openDeliveries: before } = await counts.readTotals();
  const task = aTask({ callbackUrl: 'https://example.com/', ...later });
  await store(task);
  await fail(task.id, 'x');
  const after = await counts.readTotals();
  expect(after.openDeliveries).toBe(before + 1);
  expect(after.databaseBytes).toBeGreaterThan(10_000);
});
