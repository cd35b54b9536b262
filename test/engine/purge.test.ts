import { env } from 'cloudflare:workers';
import { expect, it, vi } from 'vitest';
import { getServices } from '../../src/wiring/services.ts';
import { call, finished, submit } from '../support/client.ts';
import { aTask, OWNER, rowOf, store } from '../support/rows.ts';

const { purge } = getServices(env).dispatcherDeps;
const later = { scheduledAt: Date.now() + 3_600_000 };

it('purges all of an owner, whatever its status, in chunks, and no other owner', async () => {
  await env.DB.prepare('DELETE FROM tasks').run();
  const { task_id } = await submit('sum', { a: 1, b: 2 });
  await finished(task_id);
  const waiting = Array.from({ length: 450 }, () => aTask(later));
  for (let i = 0; i < 450; i += 100) await store(...waiting.slice(i, i + 100));
  const theirs = aTask({ owner: 'another owner', ...later });
  await store(theirs);
  const purged = await purge(OWNER);
  expect(purged.filter(({ status }) => status === 'NEW')).toHaveLength(450);
  expect(purged.filter(({ status }) => status !== 'NEW')).toMatchObject([{ status: 'COMPLETED' }]);
  // The cache of the data centre forgets few by name, and everything within 5 s.
  await vi.waitUntil(async () => (await call(`/tasks/${task_id}`)).status === 404, {
    timeout: 7_000,
    interval: 500,
  });
  const left = await env.DB.prepare('SELECT owner FROM tasks').all<{ owner: string }>();
  expect(left.results).toEqual([{ owner: 'another owner' }]);
  await expect(rowOf(task_id)).rejects.toThrow();
});
