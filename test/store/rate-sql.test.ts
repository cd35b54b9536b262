import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { tokensSql, wholeSql } from '../../src/store/rate-sql.ts';

const NOW = 1_900_000_000_000;

/** What is left of a rate: `count` in `ms`, after `tokens` were left at `at`. */
const read = (
  { count, ms, burst }: { count: number; ms: number; burst: number | null },
  tokens: number | null,
  at: number | null,
) =>
  env.DB.prepare(
    `SELECT ${tokensSql('', 'tokens', 'tokens_at')} AS tokens, ${wholeSql(tokensSql('', 'tokens', 'tokens_at'))} AS whole
FROM (SELECT ?1 AS rate_count, ?2 AS rate_ms, ?4 AS rate_burst, ?5 AS tokens, ?6 AS tokens_at)`,
  )
    .bind(count, ms, NOW, burst, tokens, at)
    .first();

const HUNDRED = { count: 100, ms: 1_000, burst: null };

it.each([
  ['is full at first', HUNDRED, null, null, 50, 50],
  ['fills by time', HUNDRED, 0, NOW - 100, 10, 10],
  ['not beyond its burst and a slice', HUNDRED, 0, NOW - 60_000, 50, 50],
  ['which may be larger', { ...HUNDRED, burst: 200 }, 0, NOW - 60_000, 225, 225],
  ['owes nothing to a clock that was put back', HUNDRED, 3, NOW + 3_600_000, 3, 3],
  ['counts whole tokens', { count: 3, ms: 1_000, burst: null }, 0, NOW - 333, 0.999, 0],
  ['which rounding costs none', { count: 3, ms: 1_000, burst: null }, 0.001, NOW - 333, 1, 1],
])('%s', async (_, rate, tokens, at, expected, whole) => {
  const found = await read(rate, tokens, at);
  expect(found?.['tokens']).toBeCloseTo(expected, 6);
  expect(found?.['whole']).toBe(whole);
});
