import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findIdentifiers, parseShortId, toShortId } from '../../src/domain/identifiers.ts';
import { v7 as uuidv7 } from 'uuid';

describe('identifiers', () => {
  it.each([
    [{ a: 5, b: 3 }, []],
    [{ a: 999, b: 1_000 }, ['1000']],
    [{ order_id: 'ORD-1234', note: 'no digits here' }, ['ord-1234']],
    [
      { short: 'a1', long: `${'x'.repeat(64)}1`, fits: `${'x'.repeat(63)}1` },
      [`${'x'.repeat(63)}1`],
    ],
    [{ twice: '1234', again: 1234 }, ['1234']],
    [{ half: 1234.5, negative: -5000, big: 1e300 }, []],
    [{ list: [{ deep: { deeper: 'b2b2' } }, 'a1a1'] }, ['b2b2', 'a1a1']],
    [['x1x1', null, true], ['x1x1']],
    [null, []],
  ])('of %j are %j', (params, expected) => {
    expect(findIdentifiers(params)).toEqual(expected);
  });

  it('are eight at most, and found without going through a million values', () => {
    expect(findIdentifiers(Array.from({ length: 20 }, (_, i) => 5_000 + i))).toHaveLength(8);
    const huge = { list: Array.from({ length: 1_000_000 }, () => 1) };
    const startedAt = performance.now();
    expect(findIdentifiers(huge)).toEqual([]);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});

describe('a short id', () => {
  it('finds the id that it is made of, and so does each longer form', () => {
    fc.assert(
      fc.property(fc.integer({ min: 8, max: 36 }), (length) => {
        const id = uuidv7();
        const forms = [
          toShortId(id),
          id.slice(0, length).replace(/-$/, ''),
          id.replaceAll('-', ''),
        ];
        for (const form of forms) {
          const range = parseShortId(form.toUpperCase());
          expect(range, form).not.toBeNull();
          expect(range && range.from <= id && id <= range.to && id.endsWith(range.suffix)).toBe(
            true,
          );
        }
      }),
    );
  });

  it.each(['', 'abc', '0199', 'not-hex-at-all', '01a21556-be37…', 'zzzzzzzz'])(
    'is not %j',
    (text) => {
      expect(parseShortId(text)).toBeNull();
    },
  );
});
