import * as z from 'zod';
import { GiveUp } from '../domain/errors.ts';
import { isObject } from '../domain/json.ts';
import { operation } from './data/operation-schema.ts';
import { createBudget } from './data/cost.ts';
import { applyOperation } from './data/operations.ts';
import type { Row } from './data/values.ts';
import { defineHandler } from './handler.ts';

/** `data` as rows, which operations need; says which item is none. */
const toRows = (data: unknown): Row[] => {
  if (!Array.isArray(data))
    throw new GiveUp('operations need data that is a list of objects', 'bad_data');
  const wrong = data.findIndex((item) => !isObject(item));
  if (wrong >= 0)
    throw new GiveUp(`operations need a list of objects, but data.${wrong} is none`, 'bad_data');
  return data as Row[];
};

export const dataProcessing = defineHandler({
  type: 'data_processing',
  description:
    'Filters, picks, renames, sorts, deduplicates, limits and groups rows; without operations, returns the data.',
  lane: 'external',
  params: z.strictObject({
    data: z.unknown().refine((data) => data !== undefined, '`data` is missing; it may be any JSON'),
    operations: z.array(operation).max(50).optional(),
  }),
  example: {
    data: [
      { city: 'Lisbon', sold: 3 },
      { city: 'Porto', sold: 5 },
      { city: 'Lisbon', sold: 4 },
    ],
    operations: [
      { op: 'filter', field: 'sold', is: 'gte', value: 3 },
      { op: 'group', by: ['city'], calculate: { total: { function: 'sum', field: 'sold' } } },
      { op: 'sort', by: [{ field: 'total', order: 'descending' }] },
    ],
  },
  run: async ({ params: { data, operations }, signal, progress }) => {
    if (!operations || operations.length === 0) return { data: { data }, processed: true };
    let rows = toRows(data);
    const rowsIn = rows.length;
    const budget = createBudget(rows);
    for (const [index, step] of operations.entries()) {
      // A turn for everybody else, in which a timeout or a cancel is noticed.
      await new Promise((resolve) => setTimeout(resolve, 0));
      signal.throwIfAborted();
      budget.spend(rows, step, index);
      rows = applyOperation(rows, step, index, (groups) =>
        budget.assertGroupsFit(groups, step, index),
      );
      budget.settle(rows, step, index);
      progress((index + 1) / operations.length, `${step.op}: ${rows.length} rows`);
    }
    return { data: { data: rows }, processed: true, rows_in: rowsIn, rows_out: rows.length };
  },
});
