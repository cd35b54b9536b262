import { expect, it } from 'vitest';
import { describeError, MAX_ERROR_MESSAGE } from '../../src/domain/errors.ts';

it('makes a short text of anything that can be thrown', () => {
  const hostile = {
    toString: () => {
      throw new Error('no');
    },
  };
  expect(
    ['text', null, undefined, 7, new Error('why'), new TypeError(''), hostile].map(describeError),
  ).toEqual([
    'text',
    'null',
    'undefined',
    '7',
    'why',
    'TypeError',
    'The handler threw a value that cannot be shown',
  ]);
  expect(describeError('x'.repeat(5_000_000))).toHaveLength(MAX_ERROR_MESSAGE);
});
