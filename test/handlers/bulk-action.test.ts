import { expect, it } from 'vitest';
import { bulkAction } from '../../src/handlers/bulk-action.ts';
import { executorDeps, keepLog, dependencies } from '../support/deps.ts';

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
    signal: abort.signal,
    progress: (fraction, note) => void told.push(`${fraction} ${note}`),
    log: keepLog().log,
  });
  await expect(running).rejects.toThrow('cancelled');
  expect([chunks, told]).toEqual([3, ['0.1 100 of 1000', '0.2 200 of 1000', '0.3 300 of 1000']]);
});
