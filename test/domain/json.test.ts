import { expect, it } from 'vitest';
import { measureDepth } from '../../src/domain/json.ts';

it('counts levels, not brackets within strings', () => {
  expect(['1', '{}', '[[1],{"a":[]}]', '"[[["', '{"\\"[":"]\\\\"}'].map(measureDepth)).toEqual([
    0, 1, 3, 0, 1,
  ]);
  expect(measureDepth('['.repeat(100_000))).toBe(100_000);
});
