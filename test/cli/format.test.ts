import { expect, it } from 'vitest';
import { clean, formatProgress, formatSeconds, formatTable } from '../../src/cli/format.ts';

it('lets no text move the cursor or turn the line around', () => {
  expect(clean('a\u001b[31mb\r\nc\u202ed\u0000')).toBe('a [31mb c d ');
});

it('writes lengths as people say them', () => {
  expect([0.02, 1.25, 12, 90, 7_000, 200_000].map(formatSeconds)).toEqual([
    '20 ms',
    '1.3 s',
    '12 s',
    '1 m',
    '1 h',
    '2 d',
  ]);
  expect(formatProgress(0.5, 'half')).toBe('██████████░░░░░░░░░░ 50 % half');
});

it('lines columns up under their names', () => {
  expect(
    formatTable([
      { id: '1', name: 'long name' },
      { id: '22', name: 'x' },
    ])
      .split('\n')
      .slice(1),
  ).toEqual(['1   long name', '22  x']);
});
