import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createDeletions } from '../../src/store/deletions.ts';
import { aTask, OWNER, rowOf, store } from '../support/rows.ts';

const deletions = createDeletions(env.DB);
const later = { scheduledAt: Date.now() + 3_600_000 };

const end = (id: string, completedAt: number, status = 'CANCELLED') =>
  env.DB.prepare('UPDATE tasks SET status = ?, wake_at = NULL, completed_at = ? WHERE id = ?')
    .bind(status, completedAt, id)
    .run();

it('removes tasks of its owner, but none that runs', async () => {
  const [waiting, running, theirs] = [
    aTask(later),
    aTask(later),
    aTask({ owner: 'other', ...later }),
  ];
  await store(waiting, running, theirs);
  await env.DB.prepare("UPDATE tasks SET status = 'IN_PROGRESS' WHERE id = ?")
    .bind(running.id)
    .run();
  const { removed } = await deletions.remove(OWNER, [waiting.id, running.id, theirs.id]);
  expect(removed).toEqual([waiting.id]);
  expect((await rowOf(running.id)).status).toBe('IN_PROGRESS');
});

it('gives open deliveries up with their task, and names them', async () => {
  const task = aTask({ callbackUrl: 'https://example.com/', ...later });
  await store(task);
  await end(task.id, Date.now());
  const { givenUp } = await deletions.remove(OWNER, [task.id]);
  expect(givenUp).toMatchObject([{ task_id: task.id, sink: 'callback' }]);
  const left = await env.DB.prepare('SELECT count(*) AS n FROM deliveries').first<number>('n');
  expect(left).toBe(0);
});

it('purges an owner in chunks, whatever the status', async () => {
  const tasks = Array.from({ length: 5 }, () => aTask({ owner: 'purged', ...later }));
  await store(...tasks);
  const chunks = [];
  for (;;) {
    const { tasks: purged } = await deletions.purge('purged', 2);
    chunks.push(purged.length);
    if (purged.length === 0) break;
  }
  expect(chunks).toEqual([2, 2, 1, 0]);
});
