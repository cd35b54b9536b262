import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createQueueStore } from '../../src/store/queues.ts';
import { decodeTask, encodeTask, insertTasks } from '../../src/store/inserts.ts';
import { aTask, rowOf } from '../support/rows.ts';

it('writes a task as it is, whatever its texts hold', async () => {
  const task = aTask({
    title: `"quotes", 'apostrophes', \\ and \n`,
    tags: ['a,b', ']'],
    params: { a: '\u0000 ü 😀', b: [null, 1.5, { c: true }] },
    callbackUrl: 'https://example.com/?a=1&b=2',
  });
  expect(await insertTasks(env.DB, [encodeTask(task)])).toEqual(new Map([[task.id, null]]));
  expect(await rowOf(task.id)).toEqual(task);
  expect(decodeTask(encodeTask(task))).toEqual(task);
});

it('leaves alone what is there already, by id and by idempotency key, and returns what was new', async () => {
  const [first, second] = [aTask({ idempotencyKey: 'k', title: 'first' }), aTask()];
  await insertTasks(env.DB, [encodeTask(first)]);
  const sameKey = aTask({ idempotencyKey: 'k' });
  const rows = [{ ...first, title: 'changed' }, second, sameKey].map(encodeTask);
  expect(await insertTasks(env.DB, rows)).toEqual(new Map([[second.id, null]]));
  expect((await rowOf(first.id)).title).toBe('first');
  await expect(rowOf(sameKey.id)).rejects.toThrow();
});

it('writes nothing of a group of which the schema refuses one', async () => {
  const good = aTask();
  const bad = { ...aTask(), status: 'BOGUS' as never };
  await expect(insertTasks(env.DB, [good, bad].map(encodeTask))).rejects.toThrow(/CHECK/);
  await expect(rowOf(good.id)).rejects.toThrow();
});

it('says what holds a task whose time is to come, or whose queue is paused', async () => {
  await createQueueStore(env.DB).pause('external-low', 1);
  const [scheduled, parked] = [
    aTask({ scheduledAt: Date.now() + 60_000 }),
    aTask({ queue: 'external-low', priority: 'LOW' }),
  ];
  expect(await insertTasks(env.DB, [scheduled, parked].map(encodeTask))).toEqual(
    new Map([
      [scheduled.id, 'time'],
      [parked.id, 'queue'],
    ]),
  );
  expect(await rowOf(parked.id)).toMatchObject({ status: 'PENDING', held: 'queue', wake_at: null });
  await createQueueStore(env.DB).resume('external-low');
});
