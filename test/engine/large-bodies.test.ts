import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { isOutside, MAX_INLINE_BYTES, MAX_PARAMS_BYTES, readStub } from '../../src/domain/body.ts';
import { createLargeBodies } from '../../src/engine/large-bodies.ts';
import { createBodyStore } from '../../src/store/body-store.ts';
import { byteBudget, keepLog } from '../support/deps.ts';
import { aTask } from '../support/rows.ts';

const real = createBodyStore(env.FILES, byteBudget);
const away = (): Promise<never> => Promise.reject(new Error('R2 is away'));
const setup = (replace: Partial<typeof real> = {}) => {
  const { log, events } = keepLog();
  const deps = { budget: byteBudget, wait: async () => {}, log };
  return { ...createLargeBodies({ ...deps, bodies: { ...real, ...replace } }), events };
};
const taskOf = (bytes: number) => aTask({ params: { t: 'x'.repeat(bytes - 8) } });

it('keeps outside what is beyond 16 KB in UTF-8, and nothing else', async () => {
  const { keepSubmitted, keepResult } = setup();
  const short = [taskOf(MAX_INLINE_BYTES), aTask()];
  expect(await keepSubmitted(short)).toBe(short);
  const [kept] = await keepSubmitted([taskOf(MAX_INLINE_BYTES + 1)]);
  expect(readStub(kept?.params ?? '')).toMatchObject({ bytes: MAX_INLINE_BYTES + 1 });
  expect(keepResult(aTask(), 1, '1')).toBe('1');
  const wide = JSON.stringify('é'.repeat(MAX_INLINE_BYTES / 2));
  expect(isOutside(await keepResult(aTask(), 1, wide))).toBe(true);
  await expect(keepSubmitted([taskOf(MAX_PARAMS_BYTES + 1)])).rejects.toMatchObject({
    code: 'body_too_large',
  });
});

it('gives back what it kept, as far as an answer carries it', async () => {
  const { keepSubmitted, loadMany, hold } = setup();
  const tasks = [aTask(), taskOf(20_000), taskOf(2_000_000)];
  const rows = await keepSubmitted(tasks);
  const loaded = await loadMany(rows);
  expect(loaded.slice(0, 2)).toEqual(tasks.slice(0, 2));
  const [, , row] = rows;
  expect(loaded[2]?.params).toBe(row?.params);
  expect((await loadMany(rows, 3_000_000))[2]).toEqual(tasks[2]);
  const { text, release } = await hold(rows[2] as typeof row & {}, String(row?.params));
  release();
  expect(text).toBe(tasks[2]?.params);
});

it('leaves in its row what R2 does not take, up to a megabyte', async () => {
  let puts = 0;
  const { keepSubmitted, keepResult, events } = setup({
    put: async () => {
      puts += 1;
      return away();
    },
  });
  const task = taskOf(20_000);
  expect(await keepSubmitted([task])).toEqual([task]);
  expect([puts, events()]).toEqual([
    3,
    ['body_not_written', 'body_not_written', 'body_not_written'],
  ]);
  await expect(keepSubmitted([taskOf(1_100_000)])).rejects.toMatchObject({
    code: 'storage_unavailable',
  });
  await expect(keepResult(task, 1, JSON.stringify('x'.repeat(1_100_000)))).rejects.toMatchObject({
    code: 'storage_unavailable',
  });
});

it('asks again when a read fails, and keeps the stub of what is gone', async () => {
  let reads = 0;
  const { keepSubmitted, loadMany, hold, drop } = setup({
    readText: async (key) => {
      reads += 1;
      return reads === 1 ? away() : real.readText(key);
    },
  });
  const task = taskOf(20_000);
  const rows = await keepSubmitted([task]);
  expect(await loadMany(rows)).toEqual([task]);
  await drop(rows);
  expect(await loadMany(rows)).toEqual(rows);
  await expect(hold(task, rows[0]?.params ?? '')).rejects.toThrow('is gone');
});

it('never throws for what it cannot delete', async () => {
  const { keepSubmitted, drop, events } = setup({ removeMany: away });
  await drop(await keepSubmitted([taskOf(20_000)]));
  await drop([aTask()]);
  expect(events()).toEqual(['body_not_removed']);
});
