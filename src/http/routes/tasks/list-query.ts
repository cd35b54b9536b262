import * as z from 'zod';
import { ORDERS } from '../../../domain/filter.ts';
import { namedFilters, withFields } from '../../../domain/filter-schema.ts';
import { digits } from '../../fields.ts';

/**
 * The next_cursor of the page before. Empty: the first page, without the totals that cost a count.
 */
const cursor = z
  .union([z.literal(''), z.uuid()], 'Use the next_cursor of the page before')
  .transform((id) => id.toLowerCase())
  .meta({
    type: 'string',
    description:
      'The `next_cursor` of the page before; empty for the first page. Costs the same at any ' +
      'depth, and omits the totals',
  });

export const listFilters = z
  .strictObject({
    ...namedFilters,
    page: digits(1, 1_000_000).optional(),
    page_size: digits(1, 100).default(10),
    cursor: cursor.optional(),
    order: z.enum(ORDERS).default('newest').meta({ description: 'By the time of submission' }),
  })
  .refine(({ page, cursor: after }) => page === undefined || after === undefined, {
    path: ['cursor'],
    message: 'Give either page or cursor',
  });

/**
 * The list's query: the filters above, and any number of `params.<path>=value` and
 * `result.<path>=value`.
 */
export const listQuery = withFields(listFilters);
