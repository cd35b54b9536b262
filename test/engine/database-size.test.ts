import { expect, it } from 'vitest';
import { createDatabaseSize } from '../../src/engine/database-size.ts';
import { keepLog } from '../support/deps.ts';

const setup = (bytes: number | Error) => {
  let now = 0;
  let found = bytes;
  let looks = 0;
  const { log, events } = keepLog();
  const size = createDatabaseSize({
    readBytes: async () => {
      looks += 1;
      if (found instanceof Error) throw found;
      return found;
    },
    limitBytes: 100,
    now: () => now,
    log,
  });
  return {
    size,
    events,
    looks: () => looks,
    become: (next: number) => void (found = next),
    pass: (ms: number) => void (now += ms),
  };
};

it('is looked at once, at the first submit', async () => {
  const { size, looks } = setup(50);
  for (let i = 0; i < 5; i += 1) expect(await size.isFull()).toBe(false);
  expect([looks(), size.getUsedPart()]).toEqual([1, 0.5]);
});

it('is full from 95 %, and looks for room every 5 s', async () => {
  const { size, looks, become, pass } = setup(95);
  for (let i = 0; i < 5; i += 1) expect(await size.isFull()).toBe(true);
  expect(looks()).toBe(1);
  become(94);
  pass(5_000);
  expect(await size.isFull()).toBe(false);
});

it('warns once when it fills, and again when it fills again', () => {
  const { size, events } = setup(0);
  for (const bytes of [69, 70, 80, 60, 75]) size.note(bytes);
  expect(events()).toEqual(['database_filling', 'database_filling']);
});

it('lets in while nobody knows', async () => {
  const { size } = setup(new Error('no'));
  expect(await size.isFull()).toBe(false);
});
