import { expect, it } from 'vitest';
import {
  computeCutoffs,
  findLatestCutoff,
  parseRetentionRule,
} from '../../src/domain/retention.ts';

const DAY_MS = 86_400_000;

it.each([
  ['FAILED=90', { type: null, status: 'FAILED', days: 90 }],
  ['sum=1', { type: 'sum', status: null, days: 1 }],
  ['sum.COMPLETED=0.5', { type: 'sum', status: 'COMPLETED', days: 0.5 }],
  ['bulk_action=0', { type: 'bulk_action', status: null, days: 0 }],
  ['PENDING=1', null],
  ['sum.NEW=1', null],
  ['sum', null],
  ['sum=', null],
  ['sum=-1', null],
  ['sum=1e3', null],
  ['=1', null],
])('reads %s', (text, rule) => {
  expect(parseRetentionRule(text)).toEqual(rule);
});

it('asks what names more first, and keeps what is kept', () => {
  const rules = ['FAILED=90', 'sum=1', 'sum.FAILED=7', 'chatgpt=0'].flatMap(
    (text) => parseRetentionRule(text) ?? [],
  );
  const cutoffs = computeCutoffs(rules, 30, 100 * DAY_MS);
  expect(cutoffs.otherwise).toBe(70 * DAY_MS);
  expect(cutoffs.rules.map(({ type, status, before }) => [type, status, before / DAY_MS])).toEqual([
    ['sum', 'FAILED', 93],
    ['sum', null, 99],
    ['chatgpt', null, 0],
    [null, 'FAILED', 10],
  ]);
  expect(findLatestCutoff(cutoffs)).toBe(99 * DAY_MS);
  expect(findLatestCutoff(computeCutoffs([], 0, 100 * DAY_MS))).toBe(0);
});
