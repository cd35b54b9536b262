import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createTaskStore } from '../../src/store/tasks.ts';
import { aTask, OWNER, rowOf, store } from '../support/rows.ts';

const tasks = createTaskStore(env.DB);
const later = { scheduledAt: Date.now() + 3_600_000 };

it('reads a task of its owner, and of no other', async () => {
  const task = aTask(later);
  await store(task);
  expect(await tasks.get(OWNER, task.id)).toEqual(task);
  expect(await tasks.get('another owner', task.id)).toBeNull();
  expect(await tasks.getMany([task, { owner: 'another owner', id: task.id }])).toEqual([task]);
});

it('edits words at any time, and counts the change', async () => {
  const task = aTask(later);
  await store(task);
  const edited = await tasks.edit(OWNER, task.id, { title: 'new', description: null }, 5_000);
  expect(edited).toMatchObject({ title: 'new', version: 2, updated_at: 5_000 });
  expect(await rowOf(task.id)).toEqual(edited);
});

it('moves a task to the queue of its new priority only while it waits', async () => {
  const task = aTask(later);
  await store(task);
  expect(await tasks.edit(OWNER, task.id, { priority: 'LOW' }, 1)).toMatchObject({
    priority: 'LOW',
    queue: 'default-low',
  });
  const cancel = 'UPDATE tasks SET status = ?, wake_at = NULL, completed_at = 1 WHERE id = ?';
  await env.DB.prepare(cancel).bind('CANCELLED', task.id).run();
  expect(await tasks.edit(OWNER, task.id, { priority: 'HIGH' }, 1)).toBeNull();
  expect(await tasks.edit(OWNER, task.id, { priority: 'LOW', title: 'x' }, 1)).not.toBeNull();
  expect(await tasks.edit('another owner', task.id, { title: 'y' }, 1)).toBeNull();
});

it('finds tasks by their idempotency keys, of one owner', async () => {
  const [mine, theirs] = [
    aTask({ idempotencyKey: 'k' }),
    aTask({ idempotencyKey: 'k', owner: 'another owner' }),
  ];
  await store(mine, theirs);
  const found = await tasks.findByIdempotencyKeys(OWNER, ['k', 'unknown']);
  expect([...found].map(([key, { id }]) => [key, id])).toEqual([['k', mine.id]]);
});

it('counts what has not ended, and stops at the most that is asked for', async () => {
  await store(...Array.from({ length: 5 }, () => aTask({ owner: 'counted', ...later })));
  expect(await tasks.countUnfinished('counted', 100)).toBe(5);
  expect(await tasks.countUnfinished('counted', 3)).toBe(3);
});

it('answers a ping', async () => {
  await expect(tasks.ping()).resolves.toBeUndefined();
});
