import { expect, it } from 'vitest';
import { repeatLocked } from '../../src/store/locked.ts';

// The errors are those of workerd while another process holds the lock (test/e2e/access.test.ts
// holds it).
const busy = new Error('D1_ERROR: database is locked: SQLITE_BUSY');
const noToken = new Error('D1_ERROR: Failed to get session commit token: internal error');
const lost = new Error('D1_ERROR: Network connection lost.');

/** Fails so many times, and counts. */
const failing = (times: number, error: Error) => {
  let calls = 0;
  const work = async (): Promise<string> => {
    calls += 1;
    if (calls <= times) throw error;
    return 'done';
  };
  return { work, count: () => calls };
};

it.each([
  ['a write that had no turn', false, busy],
  ['a read that had no turn', true, busy],
  ['a read whose note had no turn', true, noToken],
])('does %s again', async (_, isRead, error) => {
  const { work, count } = failing(3, error);
  expect(await repeatLocked(isRead, work)).toBe('done');
  expect(count()).toBe(4);
});

it.each([
  ['a write whose note had no turn, which may be done', false, noToken],
  ['a read that another error ends', true, lost],
  ['a write that another error ends', false, lost],
])('does not do %s again', async (_, isRead, error) => {
  const { work, count } = failing(1, error);
  await expect(repeatLocked(isRead, work)).rejects.toBe(error);
  expect(count()).toBe(1);
});

it('gives up after half a second', async () => {
  const { work, count } = failing(Infinity, busy);
  await expect(repeatLocked(false, work)).rejects.toBe(busy);
  expect(count()).toBe(26);
});
