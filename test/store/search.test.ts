import { env } from 'cloudflare:workers';
import * as fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { ORDERS, type TaskFilter } from '../../src/domain/filter.ts';
import { foldText } from '../../src/domain/text.ts';
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

it.each(ORDERS)('finds the %s first, page by page, each task once', async (order) => {
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await search.page(OWNER, {}, { limit: 5, cursor, order });
    found.push(...page.tasks.map(({ id }) => id));
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  const ids = tasks.map(({ id }) => id);
  expect(found).toEqual(order === 'newest' ? ids.toReversed() : ids);
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
  const oldest = await search.page(OWNER, filter, { limit: 100, order: 'oldest' });
  expect(oldest.tasks.map(({ id }) => tasks.findIndex((task) => task.id === id))).toEqual(
    found.toReversed(),
  );
  expect(await search.count(OWNER, filter)).toEqual({ total: found.length, capped: false });
});

it('finds the tasks that ran one again, by an index', async () => {
  const source = aTask({ owner: 'rerun' });
  const again = [1, 2].map(() => aTask({ owner: 'rerun', rerunOf: source.id }));
  await store(source, ...again, aTask({ owner: 'other', rerunOf: source.id }));
  const found = await search.page('rerun', { rerunOf: source.id }, { limit: 10 });
  expect(found.tasks.map(({ id }) => id).toSorted()).toEqual(again.map(({ id }) => id).toSorted());
});

const LETTERS = 'ü ö ß ç ñ й ё ж Σ Ά σ ΐ å ø ł ğ ş ı ǆ 한 漢 x\u0302'.split(' ');

it('finds a word whatever the case and the composition of its letters', async () => {
  const owner = 'letters';
  const word = fc
    .array(fc.constantFrom(...LETTERS), { minLength: 1, maxLength: 6 })
    .map((letters) => letters.join(''));
  const titles = fc
    .sample(word, { numRuns: 60, seed: 7 })
    .flatMap((text) => [
      text,
      text.toUpperCase(),
      text.normalize('NFD'),
      `x ${text.toUpperCase().normalize('NFD')} y`,
    ]);
  const own = titles.map((title) => aTask({ owner, title, params: {} }));
  await store(...own);
  for (const needle of fc.sample(word, { numRuns: 60, seed: 7 })) {
    const wanted = foldText(needle);
    for (const form of [needle, needle.toUpperCase(), needle.normalize('NFD')]) {
      if (foldText(form) !== wanted) continue;
      const found = await search.page(owner, { words: [form] }, { limit: 1_000 });
      expect([form, found.tasks.map(({ title }) => title).toSorted()]).toEqual([
        form,
        titles.filter((title) => foldText(title).includes(wanted)).toSorted(),
      ]);
    }
  }
});

it('finds a number whichever way it is written, and no other', async () => {
  const owner = 'numbers';
  const values = [5, 5.5, '5', '5.0', 50, -5, 9007199254740992, true, null];
  const own = values.map((a) => aTask({ owner, params: { a } }));
  await store(...own);
  const findBy = async (value: string): Promise<unknown[]> => {
    const fields = [{ column: 'params' as const, path: ['a'], value }];
    const { tasks: found } = await search.page(owner, { fields }, { limit: 100 });
    return found.map(({ params }) => (JSON.parse(params) as { a: unknown }).a);
  };
  expect(await findBy('5.0')).toEqual(['5.0', 5]);
  expect(await findBy('5')).toEqual(['5', 5]);
  expect(await findBy('50e-1')).toEqual([5]);
  expect(await findBy('5.50')).toEqual([5.5]);
  expect(await findBy('-5')).toEqual([-5]);
  expect(await findBy('9007199254740993')).toEqual([]);
  expect(await findBy('true')).toEqual([true]);
});

const words = ['red', 'green', 'rot'];
const oneCondition = fc.oneof(
  fc.record({ statuses: fc.subarray(['NEW', 'PENDING', 'PAUSED'] as const, { minLength: 1 }) }),
  fc.record({ types: fc.subarray(['sum', 'simulate', 'weather'], { minLength: 1 }) }),
  fc.record({ priorities: fc.subarray(['HIGH', 'MEDIUM', 'LOW'] as const, { minLength: 1 }) }),
  fc.record({ tags: fc.subarray(words, { minLength: 1 }) }),
  fc.record({ words: fc.subarray(words, { minLength: 1 }) }),
  fc.record({ submittedAfter: fc.integer({ min: NOW, max: NOW + 50 }) }),
  fc.record({ submittedBefore: fc.integer({ min: NOW, max: NOW + 50 }) }),
  fc.record({
    fields: fc
      .constantFrom('0', '1', '2')
      .map((value) => [{ column: 'params' as const, path: ['n'], value }]),
  }),
);

it('never finds more than the same filter with one condition fewer', async () => {
  const owner = 'narrowing';
  const own = Array.from({ length: 50 }, (_, i) =>
    aTask(
      {
        owner,
        type: ['sum', 'simulate', 'weather'][i % 3] as string,
        priority: (['HIGH', 'MEDIUM', 'LOW'] as const)[i % 3] as 'HIGH',
        title: words[i % 4] ?? null,
        tags: words.slice(i % 4),
        params: { n: i % 4 },
        scheduledAt: i % 2 ? NOW * 2 : null,
      },
      NOW + i,
    ),
  );
  await store(...own);
  const idsOf = async (filter: TaskFilter): Promise<Set<string>> =>
    new Set((await search.page(owner, filter, { limit: 100 })).tasks.map(({ id }) => id));
  await fc.assert(
    fc.asyncProperty(fc.array(oneCondition, { minLength: 1, maxLength: 4 }), async (conditions) => {
      const filter = Object.assign({}, ...conditions) as TaskFilter;
      const found = await idsOf(filter);
      for (const name of Object.keys(filter)) {
        const wider = await idsOf({ ...filter, [name]: undefined });
        for (const id of found) expect(wider.has(id)).toBe(true);
      }
    }),
    { numRuns: 60 },
  );
});
