import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isHeld,
  LostNumber,
  parseExactJson,
  parseKeepable,
  readRawNumber,
  toRawNumber,
} from '../../src/domain/exact-json.ts';

describe('a number', () => {
  it.each([
    ['0', true],
    ['-0', true],
    ['0.0', true],
    ['0e999', true],
    ['1', true],
    ['1.0', true],
    ['1e2', true],
    ['100e-2', true],
    ['1.50', true],
    ['9007199254740991', true],
    ['9007199254740992', true],
    ['9007199254740993', false],
    ['-9007199254740993', false],
    ['9007199254740993.0', false],
    ['90071992547409930e-1', false],
    ['9007199254740994', true],
    ['1e22', true],
    ['10000000000000000000000', true],
    ['100000000000000000000001', false],
    ['1e308', true],
    ['1e400', false],
    ['-1e400', false],
    ['1e-400', false],
    ['5e-324', true],
    ['0.1', true],
    ['0.30000000000000004', true],
    ['3.14159265358979323846', false],
    [`1${'0'.repeat(400)}`, false],
  ])('%s is held: %s', (text, expected) => {
    expect(isHeld(text)).toBe(expected);
    const parsed = parseExactJson(`{"a":[${text}]}`) as { a: unknown[] };
    if (expected) expect(parsed.a[0]).toBe(Number(text));
    else expect(parsed.a[0]).toEqual(new LostNumber(text));
  });

  it('is held where a double wrote it, and where an integer is one', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (n) => {
        expect(isHeld(JSON.stringify(n))).toBe(true);
      }),
    );
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 69n), max: 2n ** 69n }), (n) => {
        expect(isHeld(String(n))).toBe(String(Number(n)) === String(n));
      }),
    );
  });

  it('comes out as it went in, or is named', () => {
    const digits = fc.stringMatching(/^-?(0|[1-9]\d{0,24})(\.\d{1,20})?([eE][+-]?\d{1,3})?$/);
    fc.assert(
      fc.property(digits, (text) => {
        const { value, unkept } = parseKeepable(`{"n":${text}}`);
        if (unkept.length > 0) expect(unkept[0]?.path).toBe('n');
        else expect((value as { n: number }).n).toBe(Number(text));
      }),
    );
  });

  it('can be written again with all of its digits', () => {
    const raw = toRawNumber('9007199254740993');
    expect(JSON.stringify({ raw })).toBe('{"raw":9007199254740993}');
    expect([raw, {}, 1, null].map(readRawNumber)).toEqual([
      '9007199254740993',
      undefined,
      undefined,
      undefined,
    ]);
  });
});

it('keeps any JSON value', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const { value: kept, unkept } = parseKeepable(JSON.stringify(value));
      expect(unkept).toEqual([]);
      expect(JSON.stringify(kept)).toBe(JSON.stringify(value));
    }),
  );
});

it('makes texts and names well-formed, keeps __proto__, and names what would fall together', () => {
  const kept = parseKeepable('{"a":"x\\ud83d","\\ud800":["\\udfff"],"__proto__":{"b":1}}');
  expect(kept.unkept).toEqual([]);
  expect(JSON.stringify(kept.value)).toBe('{"a":"x�","�":["�"],"__proto__":{"b":1}}');
  expect(parseKeepable('{"t":{"\\ud800":1,"\\udfff":2}}').unkept).toMatchObject([{ path: 't' }]);
  expect(parseKeepable('{"a":"\\ud83d\\udc4d"}').value).toEqual({ a: '👍' });
});

it('throws for what is no JSON', () => {
  expect(() => parseExactJson('{"a":01}')).toThrow(SyntaxError);
  expect(() => parseExactJson('9007199254740993 x')).toThrow(SyntaxError);
});
