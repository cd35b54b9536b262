import { expect, it } from 'vitest';
import { createOrphans } from '../../src/engine/orphans.ts';
import { keepLog } from '../support/deps.ts';

const HOUR = 3_600_000;
const setup = () => {
  let time = 100 * HOUR;
  let fails = false;
  const asked: (string | undefined)[] = [];
  const removed: string[] = [];
  const { log, events } = keepLog();
  const bodyAt = (name: string, hours: number) => ({
    owner: 'a',
    id: '1',
    name,
    at: time - hours * HOUR,
  });
  const orphans = createOrphans({
    bodies: {
      list: async (cursor) => {
        if (fails) throw new Error('R2 is away');
        asked.push(cursor);
        return cursor === undefined
          ? { bodies: [bodyAt('old', 30), bodyAt('young', 2)], next: 'second' }
          : {
              bodies: [bodyAt('named', 30), { ...bodyAt('theirs', 30), owner: 'of another shard' }],
              next: undefined,
            };
      },
      removeMany: async (keys) => void removed.push(...keys.map(({ name }) => name)),
    },
    names: { findOrphans: async (found) => found.filter(({ name }) => name !== 'named') },
    keepOwn: async (all) => all.filter(({ owner }) => owner !== 'of another shard'),
    now: () => time,
    log,
  });
  return {
    ...orphans,
    asked,
    removed,
    events,
    pass: (hours: number) => void (time += hours * HOUR),
    fail: (how: boolean) => void (fails = how),
  };
};

it('removes what is a day old and has no row, a page at a time, once a day', async () => {
  const { sweep, asked, removed, pass } = setup();
  expect([await sweep(), await sweep(), await sweep()]).toEqual([true, false, false]);
  expect([asked, removed]).toEqual([[undefined, 'second'], ['old']]);
  pass(23);
  expect([await sweep(), asked.length]).toEqual([false, 2]);
  pass(2);
  expect(await sweep()).toBe(true);
});

it('begins anew a day after it failed, and never throws', async () => {
  const { sweep, asked, events, pass, fail } = setup();
  await sweep();
  fail(true);
  expect([await sweep(), events().at(-1)]).toEqual([false, 'orphans_not_swept']);
  fail(false);
  pass(25);
  await sweep();
  expect(asked).toEqual([undefined, undefined]);
});
