import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { decodeTask, encodeTask, insertTasks } from '../../src/store/inserts.ts';
import { aTask, rowOf } from '../support/rows.ts';

it('writes a task as it is, whatever its texts hold', async () => {
  const task = aTask({
    title: `"quotes", 'apostrophes', \\ and \n`,
    tags: ['a,b', ']'],
    params: { a: '\u0000 ü 😀', b: [null, 1.5, { c: true }] },
    callbackUrl: 'https://example.com/?a=1&b=2',
  });
  expect(await insertTasks(env.DB, [encodeTask(task)])).toEqual(new Set([task.id]));
  expect(await rowOf(task.id)).toEqual(task);
  expect(decodeTask(encodeTask(task))).toEqual(task);
});

it('leaves alone what is there already, by id and by idempotency key, and returns what was new', async () => {
  const [first, second] = [aTask({ idempotencyKey: 'k', title: 'first' }), aTask()];
  await insertTasks(env.DB, [encodeTask(first)]);
  const sameKey = aTask({ idempotencyKey: 'k' });
  const rows = [{ ...first, title: 'changed' }, second, sameKey].map(encodeTask);
  expect(await insertTasks(env.DB, rows)).toEqual(new Set([second.id]));
  expect((await rowOf(first.id)).title).toBe('first');
  await expect(rowOf(sameKey.id)).rejects.toThrow();
});

it('writes nothing of a group of which the schema refuses one', async () => {
  const good = aTask();
  const bad = { ...aTask(), status: 'BOGUS' as never };
  await expect(insertTasks(env.DB, [good, bad].map(encodeTask))).rejects.toThrow(/CHECK/);
  await expect(rowOf(good.id)).rejects.toThrow();
});
