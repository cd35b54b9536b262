import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { MAX_LIMITS } from '../../src/domain/limit.ts';
import { createLimitStore } from '../../src/store/limits.ts';
import { NO_NUMBERS } from '../support/limits.ts';
import { aTask, rowOf, store } from '../support/rows.ts';

const NOW = 1_900_000_000_000;
const limits = createLimitStore(env.DB);
const numbers = { ...NO_NUMBERS, max_running: 2 };

it('makes limits that are not there, and changes none that are', async () => {
  await limits.put('o', 'there', numbers, NOW);
  const wanted = ['there', 'new'].map((key) => ({
    key,
    numbers: { ...NO_NUMBERS, max_running: 7 },
  }));
  expect(await limits.ensure('o', wanted, NOW + 1)).toEqual(new Set(['there', 'new']));
  const { results } = await env.DB.prepare(
    `SELECT key, max_running FROM limits WHERE owner = 'o' ORDER BY key`,
  ).all();
  expect(results).toEqual([
    { key: 'new', max_running: 7 },
    { key: 'there', max_running: 2 },
  ]);
});

it('holds for a type only once somebody has set it', async () => {
  await limits.ensure('t', [{ key: 'sum', numbers }], NOW);
  const free = aTask({ owner: 't' }, NOW);
  await store(free);
  expect(await rowOf(free.id, 't')).toMatchObject({ held: null, limit_key: null });
  await limits.put('t', 'sum', numbers, NOW);
  const held = aTask({ owner: 't' }, NOW);
  await store(held);
  expect(await rowOf(held.id, 't')).toMatchObject({ held: 'limit', limit_key: 'sum' });
});

it('keeps what is left of a rate when its numbers change', async () => {
  const rate = { ...NO_NUMBERS, rate_count: 10, rate_ms: 1_000, rate_burst: 10 };
  await limits.put('o', 'rate', rate, NOW);
  await env.DB.prepare(`UPDATE limits SET tokens = 0, tokens_at = ? WHERE key = 'rate'`)
    .bind(NOW)
    .run();
  const changed = await limits.put('o', 'rate', { ...rate, rate_count: 1 }, NOW + 300);
  expect(changed).toMatchObject({ tokens: 3, tokens_at: NOW + 300, rate_count: 1 });
});

it('pauses for the longer time, and until it is resumed', async () => {
  await limits.put('o', 'paused', numbers, NOW);
  await limits.pause('o', 'paused', NOW + 9_000, NOW);
  expect(await limits.pause('o', 'paused', NOW + 5_000, NOW)).toMatchObject({
    paused_until: NOW + 9_000,
  });
  expect(await limits.resume('o', 'paused', NOW)).toMatchObject({ paused_until: null });
  expect(await limits.pause('o', 'unknown', NOW, NOW)).toBeNull();
  expect(await limits.remove('o', 'paused')).toBe(true);
  expect(await limits.remove('o', 'paused')).toBe(false);
});

it('bounds the limits of an owner, and lets those that are there be changed', async () => {
  const keys = Array.from({ length: MAX_LIMITS }, (_, i) => ({ key: `k${i}`, numbers }));
  await limits.ensure('many', keys, NOW);
  expect(await limits.put('many', 'one-more', numbers, NOW)).toBeNull();
  expect(await limits.ensure('many', [{ key: 'one-more', numbers }], NOW)).toEqual(new Set());
  expect(await limits.put('many', 'k1', numbers, NOW)).toMatchObject({ key: 'k1' });
  const more = Array.from({ length: 9 }, (_, i) => ({ key: `more${i}`, numbers }));
  await limits.remove('many', 'k1');
  await limits.remove('many', 'k2');
  expect((await limits.ensure('many', more, NOW)).size).toBe(2);
  expect(await limits.put('others', 'one-more', numbers, NOW)).not.toBeNull();
});
