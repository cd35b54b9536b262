import { expect, it } from 'vitest';
import {
  createBudgetLimiter,
  createKeyLimiter,
  createRateLimiter,
} from '../../src/access/rate-limiter.ts';

/** A limiter that allows `limit` calls in all. */
const platform = (allowed: number) => {
  const keys: string[] = [];
  return {
    keys,
    limit: async ({ key }: { key: string }) => ({ success: keys.push(key) <= allowed }),
  };
};

it('asks the platform once for ten of a key, and believes a refusal for a second', async () => {
  const limiter = platform(2);
  let now = 0;
  const limit = createRateLimiter({ limiter, weight: 10, now: () => now }).limit;
  const allowed = async (key: string, count: number): Promise<number> => {
    let passed = 0;
    for (let i = 0; i < count; i += 1) if ((await limit({ key })).success) passed += 1;
    return passed;
  };
  expect(await allowed('a', 29)).toBe(29);
  expect(await allowed('b', 5)).toBe(5);
  expect(limiter.keys).toEqual(['a', 'a']);
  // The thirtieth is refused, and so is whatever comes right after it, unasked.
  expect(await allowed('a', 50)).toBe(0);
  expect(limiter.keys).toEqual(['a', 'a', 'a']);
  now += 1_000;
  // Then it is asked again at once, and not after ten more.
  expect(await allowed('a', 10)).toBe(0);
  expect(limiter.keys).toEqual(['a', 'a', 'a', 'a']);
  expect(await allowed('b', 4)).toBe(4);
});

it('spends nothing of a budget on what it refuses as a whole', async () => {
  const limiter = platform(1_000);
  let now = 0;
  const { limit } = createBudgetLimiter({ limiter, most: 60, now: () => now });
  const ask = async (units: number): Promise<boolean> => (await limit({ key: 'a', units })).success;
  expect([await ask(50), await ask(50), await ask(10), await ask(1)]).toEqual([
    true,
    false,
    true,
    false,
  ]);
  expect(limiter.keys).toHaveLength(60);
  now += 60_000;
  expect(await ask(60)).toBe(true);
});

it.each([1, 7, 41, 45, 59, 60, 61, 90, 1_000, 6_000])(
  'holds a key to %d writes a minute, and lets it make all of them',
  async (most) => {
    let now = 0;
    const allows = createKeyLimiter({ limiter: platform(60), now: () => now });
    let passed = 0;
    for (let i = 0; i < most + 20; i += 1) if (await allows('k', most)) passed += 1;
    expect(passed).toBe(most);
  },
);
