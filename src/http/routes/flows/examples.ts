/** Flows that run, for the documents. */
export const flowExamples = {
  chain: {
    name: 'Add twice',
    tasks: {
      first: { type: 'sum', params: { a: 1, b: 2 } },
      second: { type: 'sum', params: { a: { $from: 'first.result.result' }, b: 4 } },
    },
  },
  group: {
    name: 'Two sums, and then their own',
    tasks: {
      left: { type: 'sum', params: { a: 1, b: 2 } },
      right: { type: 'sum', params: { a: 3, b: 4 } },
      both: {
        type: 'sum',
        params: { a: { $from: 'left.result.result' }, b: { $from: 'right.result.result' } },
      },
    },
  },
};
