import { expect, it } from 'vitest';
import { bulkAction } from '../../src/handlers/bulk-action.ts';
import { GoOn } from '../../src/domain/errors.ts';
import { executorDeps, silentContext, dependencies } from '../support/deps.ts';

it('stops between two chunks when it is aborted, and has reported its progress', async () => {
  const abort = new AbortController();
  const told: string[] = [];
  let chunks = 0;
  const running = bulkAction.run({
    ...dependencies,
    ...executorDeps.forOwner(),
    tasks: {
      findMatching: () => ({
        count: async () => 1_000,
        act: async () => {
          chunks += 1;
          if (chunks === 3) abort.abort(new Error('cancelled'));
          return { matched: 100, changed: 100, next: 'more' };
        },
      }),
    },
    taskId: 'id',
    params: bulkAction.params.parse({ action: 'cancel', filter: { tag: ['x'] } }),
    attempt: 1,
    checkpoint: null,
    signal: abort.signal,
    progress: (fraction, note) => void told.push(`${fraction} ${note}`),
    ...silentContext,
  });
  await expect(running).rejects.toThrow('cancelled');
  expect([chunks, told]).toEqual([3, ['0.1 100 of 1000', '0.2 200 of 1000', '0.3 300 of 1000']]);
});

it('goes on in further runs, each of which does a bounded part, and tells the whole', async () => {
  const cursors: string[] = [];
  const total = 25_000;
  const run = (checkpoint: unknown) =>
    Promise.resolve(
      bulkAction.run({
        ...dependencies,
        ...executorDeps.forOwner(),
        tasks: {
          findMatching: () => ({
            count: async () => total,
            act: async (before) => {
              cursors.push(before);
              const isLast = cursors.length === total / 100;
              return { matched: 100, changed: 99, next: isLast ? null : `${cursors.length}` };
            },
          }),
        },
        taskId: 'id',
        params: bulkAction.params.parse({ action: 'cancel', filter: { tag: ['x'] } }),
        attempt: 1,
        checkpoint,
        signal: new AbortController().signal,
        progress: () => {},
        ...silentContext,
      }),
    ).catch((thrown: unknown) => {
      if (thrown instanceof GoOn) return JSON.parse(JSON.stringify(thrown.checkpoint)) as object;
      throw thrown;
    });
  const first = await run(null);
  expect(first).toEqual({ before: '100', total, matched: 10_000, changed: 9_900 });
  const second = await run(first);
  expect(second).toMatchObject({ before: '200', matched: 20_000 });
  const result = { action: 'cancel', matched: total, changed: 24_750, skipped: 250 };
  expect(await run(second)).toEqual(result);
  expect(new Set(cursors).size).toBe(250);
});
