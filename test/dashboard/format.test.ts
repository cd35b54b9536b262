import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatDuration } from '../../src/dashboard/format.ts';

it.each([
  [0, '0 ms'],
  [0.9994, '999 ms'],
  [0.9996, '1 s'],
  [3.44, '3.4 s'],
  [9.96, '10 s'],
  [59.4, '59 s'],
  [59.6, '1 m'],
  [119.4, '1 m 59 s'],
  [119.7, '2 m'],
  [125, '2 m 5 s'],
  [3_599.6, '1 h'],
  [3_600, '1 h'],
  [7_199, '2 h'],
  [86_399, '1 d'],
  [90_000, '1 d 1 h'],
])('%d s is %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));

it('never shows a unit that is full', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e7, noNaN: true }), (seconds) => {
      const parts = formatDuration(seconds).split(/(?<=[a-z]) /);
      for (const part of parts) {
        const [n = '', unit = ''] = part.split(' ');
        const full = { ms: 1_000, s: 60, m: 60, h: 24, d: Infinity }[unit] ?? 0;
        expect(Number(n)).toBeLessThan(full);
      }
    }),
  );
});
