import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createExports } from '../../src/store/exports.ts';
import { observeDatabase } from '../support/database.ts';
import { aTask, OWNER, store } from '../support/rows.ts';

it('finds tasks by pages, and reads them by bytes', async () => {
  const exports = createExports(env.DB);
  const large = Array.from({ length: 5 }, () => aTask({ params: { text: 'x'.repeat(900_000) } }));
  const small = Array.from({ length: 3 }, () => aTask());
  for (const task of large) await store(task);
  await store(...small);
  const { keys, next, isBlind } = await exports.findPage(OWNER, {}, undefined);
  expect([keys.length, next, isBlind]).toEqual([8, null, false]);
  expect(keys.map(({ id }) => id)).toEqual([...large, ...small].map(({ id }) => id).toSorted());
  const { asked, stop } = observeDatabase();
  const rows = [];
  for await (const group of exports.readWhole(keys)) rows.push(...group);
  stop();
  expect(rows.map(({ id }) => id)).toEqual(keys.map(({ id }) => id));
  expect(Math.max(...asked.map(({ bytes }) => bytes))).toBeLessThan(2_000_000);
  const after = await exports.findPage(OWNER, {}, keys[5]?.id);
  expect(after.keys.map(({ id }) => id)).toEqual(keys.slice(6).map(({ id }) => id));
});
