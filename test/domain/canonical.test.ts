import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { toCanonicalText } from '../../src/domain/canonical.ts';

/** The same value with the names of every object in another order. */
const shuffle = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(shuffle);
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? 0 : value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, each]) => [name, shuffle(each)]),
  );
};

it('never throws, and is equal for equal values', () => {
  const anything = fc.anything({
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withSparseArray: true,
    stringUnit: 'binary',
  });
  fc.assert(
    fc.property(anything, (value) => {
      expect(toCanonicalText(value)).toBe(toCanonicalText(value));
    }),
  );
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
      const text = toCanonicalText(value);
      expect(toCanonicalText(shuffle(value))).toBe(text);
      expect(toCanonicalText(JSON.parse(text))).toBe(text);
    }),
  );
});

it.each([
  '\ud83d',
  { '\udc00': '\ud800' },
  NaN,
  -Infinity,
  undefined,
  { a: undefined },
  [undefined],
])('has a text for %j', (value) => expect(typeof toCanonicalText(value)).toBe('string'));

it('tells apart what differs', () => {
  const texts = [1, '1', true, 'true', null, 'null', [], {}, [1], { a: 1 }, '\ud800', '\ud801'];
  expect(new Set(texts.map(toCanonicalText)).size).toBe(texts.length);
});
