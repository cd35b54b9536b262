import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createJsonCheck } from '../../src/domain/json-check.ts';

const encoder = new TextEncoder();
/** Whether it is JSON, told from pieces of this size. */
const isJson = (bytes: Uint8Array, size = 3): boolean => {
  const check = createJsonCheck();
  try {
    for (let from = 0; from < bytes.length; from += size)
      check.push(bytes.subarray(from, from + size));
    check.end();
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
    return false;
  }
};
const parses = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

it('takes what is JSON, whatever the pieces', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 6 }), fc.nat(20), fc.nat(4), (text, size, indent) => {
      const spaced = JSON.stringify(JSON.parse(text), null, indent);
      expect(isJson(encoder.encode(text), size + 1)).toBe(true);
      expect(isJson(encoder.encode(spaced), size + 1)).toBe(true);
    }),
  );
});

it('says the same as JSON.parse of texts that were spoiled', () => {
  const spoilers = Array.from('{}[]",:\\0-+.eE1tn u/\n');
  const spoiled = fc
    .tuple(fc.json({ maxDepth: 4 }), fc.nat(), fc.constantFrom(...spoilers, ''), fc.nat(2))
    .map(([text, at, by, cut]) => {
      const place = at % (text.length + 1);
      return text.slice(0, place) + by + text.slice(place + cut);
    });
  fc.assert(
    fc.property(spoiled, (text) => {
      expect([text, isJson(encoder.encode(text))]).toEqual([text, parses(text.toWellFormed())]);
    }),
    { numRuns: 5_000 },
  );
});

it.each([
  '',
  ' ',
  '01',
  '-',
  '1.',
  '.5',
  '1e',
  '1e+',
  '+1',
  '[1,]',
  '{"a":1,}',
  '{"a"}',
  '{a:1}',
  '[1 2]',
  '1 2',
  ']',
  '{]',
  'nul',
  'nulll',
  '"\u0001"',
  '"\\x"',
  '"\\u12g4"',
  '"open',
])('refuses %j', (text) => {
  expect(isJson(encoder.encode(text))).toBe(parses(text));
  expect(isJson(encoder.encode(text))).toBe(false);
});

it('refuses bytes that are no UTF-8, and what is nested too deep', () => {
  expect(isJson(new Uint8Array([0x22, 0xff, 0x22]))).toBe(false);
  expect(isJson(new Uint8Array([0x22, 0xc3]))).toBe(false);
  expect(isJson(encoder.encode('['.repeat(128) + ']'.repeat(128)))).toBe(true);
  expect(isJson(encoder.encode('['.repeat(129) + ']'.repeat(129)))).toBe(false);
});
