import { expect, it } from 'vitest';
import { createLimitSweep } from '../../src/engine/limit-sweep.ts';

const NOW = 1_900_000_000_000;
const toKeys = (names: readonly string[]) => names.map((key) => ({ owner: 'o', key }));

const setup = (due: readonly string[], waiting: readonly string[]) => {
  let time = NOW;
  const sweep = createLimitSweep({
    admissions: {
      findDue: async (_, limit) => toKeys(due.slice(0, limit)),
      findWaiting: async ({ key }, limit) =>
        toKeys(waiting.filter((each) => each > key).slice(0, limit)),
    },
    now: () => time,
  });
  return { find: sweep.findKeys, pass: (ms: number) => void (time += ms) };
};

it('asks for what is due, and now and then for all that holds tasks', async () => {
  const { find, pass } = setup(['due'], ['a', 'b']);
  expect(await find({ limitAt: null, hasLimited: false })).toEqual({ keys: [], hasMore: false });
  expect(await find({ limitAt: NOW, hasLimited: true })).toEqual({
    keys: toKeys(['due', 'a', 'b']),
    hasMore: false,
  });
  expect((await find({ limitAt: NOW + 1, hasLimited: true })).keys).toEqual([]);
  pass(5_000);
  expect((await find({ limitAt: null, hasLimited: true })).keys).toEqual(toKeys(['a', 'b']));
  // A clock that is put back does not wait until it is where it was.
  pass(-3_600_000);
  expect((await find({ limitAt: null, hasLimited: true })).keys).toEqual(toKeys(['a', 'b']));
});

it('goes through very many by turns', async () => {
  const names = Array.from({ length: 450 }, (_, i) => `k${String(i).padStart(3, '0')}`);
  const { find } = setup([], names);
  const seen: string[] = [];
  for (let more = true; more;) {
    const { keys, hasMore } = await find({ limitAt: null, hasLimited: true });
    seen.push(...keys.map(({ key }) => key));
    more = hasMore;
  }
  expect(seen).toEqual(names);
});
