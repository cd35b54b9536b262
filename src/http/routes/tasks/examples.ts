import { builtInHandlers } from '../../../handlers/catalog.ts';

/** A submit of every type, and the short forms. */
export const submitExamples: Record<string, unknown> = {
  ...Object.fromEntries(
    builtInHandlers.map(({ type, example }) => [type, { type, params: example }]),
  ),
  scheduled: {
    type: 'sum',
    params: { a: 5, b: 3 },
    title: 'Add',
    priority: 'HIGH',
    tags: ['sums'],
    delay_seconds: 60,
  },
  'short: named': { task_name: 'test', duration: 1 },
  'short: titled': {
    title: 'A task',
    description: 'That waits for a second',
    priority: 'HIGH',
  },
};

export const bulkExamples: Record<string, unknown> = {
  two: {
    tasks: [
      { type: 'sum', params: { a: 5, b: 3 } },
      { type: 'longest_consecutive_letters', params: { string: 'aaabbccccdd' } },
    ],
  },
};
