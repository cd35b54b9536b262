import { createScheduledController } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import worker from '../../src/index.ts';
import { getServices } from '../../src/wiring/services.ts';
import { call, finished, submit } from '../support/client.ts';
import { aTask, OWNER, rowOf, store } from '../support/rows.ts';

it('the cron trigger brings a lost task back, as the alarm does', async () => {
  const task = aTask({}, Date.now() - 60_000);
  await store(task);
  await worker.scheduled(createScheduledController(), env);
  expect((await finished(task.id)).status).toBe('COMPLETED');
});

it('a purge deletes all of an owner, whatever its status, in chunks, and nobody else', async () => {
  await env.DB.prepare('DELETE FROM tasks').run();
  const { task_id } = await submit('sum', { a: 1, b: 2 });
  await finished(task_id);
  const waiting = Array.from({ length: 450 }, () => aTask({ scheduledAt: Date.now() + 3_600_000 }));
  for (let i = 0; i < 450; i += 100) await store(...waiting.slice(i, i + 100));
  const theirs = aTask({ owner: 'somebody else', scheduledAt: Date.now() + 3_600_000 });
  await store(theirs);
  const purged = await getServices(env).commands.purge(OWNER);
  expect(purged.filter(({ status }) => status === 'NEW')).toHaveLength(450);
  expect(purged.filter(({ status }) => status !== 'NEW')).toMatchObject([{ status: 'COMPLETED' }]);
  expect((await call(`/tasks/${task_id}`)).status).toBe(404);
  const left = await env.DB.prepare('SELECT owner FROM tasks').all<{ owner: string }>();
  expect(left.results).toEqual([{ owner: 'somebody else' }]);
  await expect(rowOf(task_id)).rejects.toThrow();
});
