import { expect, it } from 'vitest';
import { createWatermarks } from '../../src/engine/watermarks.ts';

const MINUTE = 60_000;

const setup = () => {
  let time = 0;
  let metrics: { backlog: number; oldestAt: number | null } = { backlog: 0, oldestAt: null };
  const taskQueues = { metrics: async () => metrics };
  const { find } = createWatermarks({ taskQueues, now: () => time });
  return {
    at: (now: number, backlog: number, oldestAt: number | null) => {
      time = now;
      metrics = { backlog, oldestAt };
      return find('default-low');
    },
  };
};

it('is now for an empty queue, and the age of the oldest message otherwise', async () => {
  const { at } = setup();
  expect(await at(5 * MINUTE, 0, null)).toBe(5 * MINUTE);
  expect(await at(6 * MINUTE, 7, 2 * MINUTE)).toBe(2 * MINUTE);
});

it('follows a queue that moves, however slowly, and believes none that stands still', async () => {
  const { at } = setup();
  for (let minute = 1; minute <= 60; minute += 1)
    expect(await at(minute * MINUTE, 7, minute)).toBe(minute);
  expect(await at(69 * MINUTE, 7, 60)).toBe(60);
  expect(await at(70 * MINUTE, 7, 60)).toBe(60 * MINUTE);
  expect(await at(71 * MINUTE, 7, 61)).toBe(61);
});

it('keeps what it knows of a queue that gives no answer, for ten minutes', async () => {
  const { at } = setup();
  expect(await at(MINUTE, Infinity, null)).toBe(-Infinity);
  expect(await at(2 * MINUTE, 7, 1)).toBe(1);
  expect(await at(3 * MINUTE, Infinity, null)).toBe(1);
  expect(await at(12 * MINUTE, Infinity, null)).toBe(2 * MINUTE);
});
