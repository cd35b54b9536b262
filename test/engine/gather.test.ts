import { expect, it } from 'vitest';
import { gather } from '../../src/engine/gather.ts';

/** `arrivals`: how many are there after each turn, which takes a millisecond. */
const turnsFor = async (arrivals: number[], most = 100): Promise<number> => {
  let turn = 0;
  await gather(() => arrivals[Math.min(turn, arrivals.length - 1)] ?? 0, most, {
    now: () => turn,
    wait: async () => void (turn += 1),
  });
  return turn;
};

it('waits for turns in which nobody comes, for a few milliseconds, and no longer than for enough', async () => {
  expect(await turnsFor([1])).toBe(4);
  expect(await turnsFor([1, 2, 3, 4, 5, 6, 7, 8, 9])).toBe(5);
  expect(await turnsFor([1, 50, 100])).toBe(2);
  expect(await turnsFor([100])).toBe(0);
});
