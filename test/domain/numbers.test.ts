import { expect, it } from 'vitest';
import { createSum } from '../../src/domain/numbers.ts';

it.each([
  [[], 0, null],
  [[1, 2, 3], 6, 2],
  [[1e308, 1e308], null, 1e308],
  [[-1e308, -1e308], null, -1e308],
  [[1e308, 1e308, -1e308], 1e308, 1e308 / 3],
])('of %j the sum is %s and the mean %s', (numbers, sum, mean) => {
  const total = createSum();
  numbers.forEach(total.add);
  expect([total.sum(), total.mean()]).toEqual([sum, mean]);
});
