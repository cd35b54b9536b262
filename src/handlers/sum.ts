import * as z from 'zod';
import { GiveUp } from '../domain/errors.ts';
import { defineHandler } from './handler.ts';

export const sum = defineHandler({
  type: 'sum',
  aliases: ['sum_two_numbers'],
  description: 'Adds two numbers.',
  lane: 'default',
  params: z.strictObject({ a: z.number(), b: z.number() }),
  example: { a: 5, b: 3 },
  timeoutMs: 5_000,
  isPure: true,
  run: ({ params: { a, b } }) => {
    const result = a + b;
    // Two finite numbers may add up to Infinity, which JSON cannot say.
    if (!Number.isFinite(result))
      throw new GiveUp('The sum is beyond the largest number that JSON can carry', 'out_of_range');
    if (Number.isInteger(a) && Number.isInteger(b) && BigInt(a) + BigInt(b) !== BigInt(result))
      throw new GiveUp('The sum has more digits than a number can hold exactly', 'out_of_range');
    return { operation: 'sum', a, b, result };
  },
});
