import { expect, it } from 'vitest';
import { createBulk, type BulkDeps } from '../../src/engine/bulk.ts';
import { catalog } from '../../src/handlers/catalog.ts';

const found = [
  { id: 'a', type: 'sum', flow_id: null },
  { id: 'b', type: 'chatgpt', flow_id: null },
  { id: 'c', type: 'sum', flow_id: null },
];
const setup = (more: Partial<BulkDeps> = {}) => {
  const runs: { name: string; ids: readonly string[] }[] = [];
  const filters: unknown[] = [];
  const bulk = createBulk({
    search: {
      find: async (_columns: unknown, _owner: string, filter: unknown) => {
        filters.push(filter);
        return { tasks: found, next: 'a', truncated: false } as never;
      },
      count: async () => ({ total: 3, capped: false }),
    },
    commands: { runMany: async (name, _owner, ids) => (runs.push({ name, ids }), ids.length) },
    catalog,
    tryConsume: async () => true,
    tryReserve: async () => true,
    ...more,
  });
  return { tasks: bulk('local'), runs, filters };
};

it('acts only on the statuses that the lifecycle allows', async () => {
  const { tasks, runs, filters } = setup();
  const page = await tasks.findMatching('retry', { type: ['sum'], fields: [] }).act('z');
  expect(page).toEqual({ matched: 3, changed: 3, next: 'a' });
  expect(runs).toEqual([{ name: 'retry', ids: ['a', 'b', 'c'] }]);
  expect(filters).toMatchObject([{ statuses: ['FAILED', 'CANCELLED'], types: ['sum'] }]);
});

it('finds nothing, and asks nothing, where no status is left', async () => {
  const { tasks, runs, filters } = setup();
  const matching = tasks.findMatching('pause', { status: ['COMPLETED'], fields: [] });
  expect(await matching.count('z')).toBe(0);
  expect(await matching.act('z')).toEqual({ matched: 0, changed: 0, next: null });
  expect([runs, filters]).toEqual([[], []]);
});

it('retries no metered task beyond its rate, and the others all the same', async () => {
  const { tasks, runs } = setup({ tryConsume: async () => false });
  await tasks.findMatching('retry', { type: ['sum'], fields: [] }).act('z');
  expect(runs).toEqual([{ name: 'retry', ids: ['a', 'c'] }]);
});

it('gives up when the owner may have no more unfinished tasks', async () => {
  const { tasks, runs } = setup({ tryReserve: async () => false });
  await expect(
    tasks.findMatching('retry', { type: ['sum'], fields: [] }).act('z'),
  ).rejects.toMatchObject({
    code: 'too_many_unfinished',
  });
  expect(runs).toEqual([]);
});

it('asks for tasks of flows once it is known what goes back with them', async () => {
  const reserved: number[] = [];
  const answers: boolean[] = [];
  const { tasks } = setup({
    search: {
      find: async () =>
        ({
          tasks: [{ id: 'd', type: 'sum', flow_id: 'f' }],
          next: null,
          truncated: false,
        }) as never,
      count: async () => ({ total: 1, capped: false }),
    },
    commands: {
      runMany: async (_name, _owner, ids, allow) => {
        for (const types of [
          ['sum', 'sum'],
          ['sum', 'chatgpt'],
        ])
          answers.push((await allow?.(types)) ?? true);
        return ids.length;
      },
    },
    tryConsume: async () => false,
    tryReserve: async (_owner, count) => (reserved.push(count), true),
  });
  await tasks.findMatching('retry', { fields: [] }).act('z');
  expect([answers, reserved]).toEqual([[true, false], [2]]);
});
