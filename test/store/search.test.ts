import { env } from 'cloudflare:workers';
import { beforeAll, expect, it } from 'vitest';
import type { TaskFilter } from '../../src/domain/filter.ts';
import { createTaskSearch } from '../../src/store/search.ts';
import { aTask, store } from '../support/rows.ts';

const OWNER = 'searching';
const NOW = 1_900_000_000_000;
const search = createTaskSearch(env.DB);
const tasks = Array.from({ length: 12 }, (_, i) =>
  aTask(
    {
      owner: OWNER,
      type: i % 2 ? 'sum' : 'simulate',
      title: i === 5 ? 'A needle' : null,
      tags: i % 3 ? [] : ['third'],
      params: { n: i, deep: { list: ['x', i] } },
      scheduledAt: NOW * 2,
    },
    NOW + i,
  ),
);
beforeAll(() => store(...tasks));

const find = async (filter: TaskFilter) =>
  (await search.page(OWNER, filter, { limit: 100 })).tasks.map(({ id }) =>
    tasks.findIndex((task) => task.id === id),
  );

it('finds the newest first, page by page, each task once', async () => {
  const found: string[] = [];
  let before: string | undefined;
  do {
    const page = await search.page(OWNER, {}, { limit: 5, before });
    found.push(...page.tasks.map(({ id }) => id));
    before = page.next ?? undefined;
  } while (before !== undefined);
  expect(found).toEqual(tasks.map(({ id }) => id).toReversed());
});

it.each<[TaskFilter, number[]]>([
  [{ types: ['sum'] }, [11, 9, 7, 5, 3, 1]],
  [{ tags: ['third'] }, [9, 6, 3, 0]],
  [{ types: ['sum'], tags: ['third'] }, [9, 3]],
  [{ words: ['needle', 'A'] }, [5]],
  [{ fields: [{ column: 'params', path: ['n'], value: '7' }] }, [7]],
  [{ fields: [{ column: 'params', path: ['deep', 'list', '1'], value: '4' }] }, [4]],
  [{ submittedAfter: NOW + 10 }, [11, 10]],
  [{ submittedBefore: NOW + 2 }, [1, 0]],
  [{ statuses: ['COMPLETED'] }, []],
])('finds %j', async (filter, found) => {
  expect(await find(filter)).toEqual(found);
  expect(await search.count(OWNER, filter)).toEqual({ total: found.length, capped: false });
});
