import { describe, expect, it } from 'vitest';
import { parsePairs, parseSeconds, parseSince, UsageError } from '../../src/cli/arguments.ts';

describe('name=value', () => {
  it.each([
    [['a=5', 'b=3'], { a: 5, b: 3 }],
    [['city=Lisbon', 'on=true', 'none=null'], { city: 'Lisbon', on: true, none: null }],
    [['text="5"', 'list=[1,2]'], { text: '5', list: [1, 2] }],
    [['a.b=1', 'a.c=x=y'], { a: { b: 1, c: 'x=y' } }],
    [['empty='], { empty: '' }],
    [[], {}],
  ])('%j is %j', (pairs, expected) => {
    expect(parsePairs(pairs)).toEqual(expected);
  });

  it('keeps a name that every object has as a name', () => {
    const parsed = parsePairs(['__proto__.polluted=1']);
    expect(Object.keys(parsed)).toEqual(['__proto__']);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it.each([[['a']], [['=5']], [['a=1', 'a.b=2']], [['n=12345678901234567890']]])(
    'refuses %j',
    (pairs) => {
      expect(() => parsePairs(pairs)).toThrow(UsageError);
    },
  );
});

it('reads lengths and moments', () => {
  expect(['90', '90s', '1.5m', '2h', '1d', '1w'].map((text) => parseSeconds('in', text))).toEqual([
    90, 90, 90, 7_200, 86_400, 604_800,
  ]);
  expect(parseSince('since', '1d', 86_400_000).getTime()).toBe(0);
  expect(parseSince('since', '2026-01-31').toISOString()).toBe('2026-01-31T00:00:00.000Z');
  expect(() => parseSeconds('in', 'soon')).toThrow('--in takes');
  expect(() => parseSince('since', 'yesterday')).toThrow('--since takes');
});
