import { expect, it } from 'vitest';
import { dataProcessing } from '../../src/handlers/data-processing.ts';
import { executorDeps, silentContext } from '../support/deps.ts';

const run = async (params: unknown): Promise<unknown> =>
  dataProcessing.run({
    ...executorDeps.dependencies,
    ...executorDeps.forOwner(),
    taskId: 'id',
    params: dataProcessing.params.parse(params),
    attempt: 1,
    checkpoint: null,
    signal: new AbortController().signal,
    progress: () => {},
    ...silentContext,
  });

const rows = [
  { name: 'b', n: 2, city: 'Porto' },
  { name: 'a', n: 10, city: 'Lisbon' },
  { name: 'c', n: null, city: 'Lisbon' },
  { name: 'a', n: 1, city: 'Faro' },
];
const after = async (...operations: unknown[]): Promise<unknown[]> => {
  const { data } = (await run({ data: rows, operations })) as { data: { data: unknown[] } };
  return data.data;
};

it('returns any JSON as it is without operations', async () => {
  for (const data of ['example data', { data: 'example data' }, null, 7, [1, [2]]])
    expect(await run({ data })).toEqual({ data: { data }, processed: true });
});

it('counts the rows in and out', async () => {
  expect(await run({ data: rows, operations: [{ op: 'limit', count: 1 }] })).toMatchObject({
    rows_in: 4,
    rows_out: 1,
  });
});

it.each([
  [{ is: 'eq', value: 2 }, ['b']],
  [{ is: 'ne', value: 2 }, ['a', 'c', 'a']],
  [{ is: 'gt', value: 1 }, ['b', 'a']],
  [{ is: 'gte', value: 1 }, ['b', 'a', 'a']],
  [{ is: 'lt', value: 2 }, ['a']],
  [{ is: 'lte', value: 2 }, ['b', 'a']],
  [{ is: 'lt', value: 'z' }, []],
  [{ is: 'in', value: [1, 2] }, ['b', 'a']],
  [{ is: 'not_in', value: [1, 2] }, ['a', 'c']],
  [{ is: 'exists' }, ['b', 'a', 'a']],
  [{ is: 'missing' }, ['c']],
])('filters by %j', async (condition, names) => {
  expect(await after({ op: 'filter', field: 'n', ...condition })).toMatchObject(
    names.map((name) => ({ name })),
  );
});

it.each([
  [{ is: 'contains', value: 'o' }, 4],
  [{ is: 'starts_with', value: 'L' }, 2],
  [{ is: 'ends_with', value: 'o' }, 2],
  [{ is: 'contains', value: '.*' }, 0],
])('filters texts by %j', async (condition, count) => {
  expect(await after({ op: 'filter', field: 'city', ...condition })).toHaveLength(count);
});

it('picks, renames, sorts, deduplicates, limits', async () => {
  expect((await after({ op: 'pick', fields: ['n', 'nothing'] })).at(0)).toEqual({
    n: 2,
    nothing: null,
  });
  expect((await after({ op: 'rename', fields: { n: 'number' } })).at(0)).toEqual({
    name: 'b',
    number: 2,
    city: 'Porto',
  });
  const sorted = await after({
    op: 'sort',
    by: [{ field: 'name' }, { field: 'n', order: 'descending' }],
  });
  expect(sorted.map((row) => (row as (typeof rows)[0]).n)).toEqual([10, 1, 2, null]);
  expect(await after({ op: 'unique', fields: ['city'] })).toHaveLength(3);
  expect(await after({ op: 'pick', fields: ['city'] }, { op: 'unique' })).toHaveLength(3);
  expect(await after({ op: 'limit', count: 2, offset: 3 })).toEqual([rows[3]]);
});

it('groups', async () => {
  const calculate = {
    rows: { function: 'count' },
    sum: { function: 'sum', field: 'n' },
    least: { function: 'min', field: 'n' },
    most: { function: 'max', field: 'n' },
    mean: { function: 'mean', field: 'n' },
  };
  expect(await after({ op: 'group', by: ['city'], calculate })).toEqual([
    { city: 'Porto', rows: 1, sum: 2, least: 2, most: 2, mean: 2 },
    { city: 'Lisbon', rows: 2, sum: 10, least: 10, most: 10, mean: 10 },
    { city: 'Faro', rows: 1, sum: 1, least: 1, most: 1, mean: 1 },
  ]);
});

it('takes prototype keys as data', async () => {
  const data = JSON.parse('[{"__proto__": {"x": 1}, "constructor": 5}]') as unknown;
  const operations = [
    { op: 'rename', fields: { constructor: 'made' } },
    { op: 'pick', fields: ['__proto__', 'made', 'toString'] },
  ];
  const { data: out } = (await run({ data, operations })) as { data: { data: unknown[] } };
  expect(JSON.stringify(out.data)).toBe('[{"__proto__":{"x":1},"made":5,"toString":null}]');
  expect(({} as { x?: number }).x).toBeUndefined();
});

it.each([
  [
    [{ op: 'limit', count: 1 }, { op: 'explode' }],
    ['operations', 1, 'op'],
  ],
  [[{ op: 'filter', field: 'a', is: 'like', value: 1 }], ['operations', 0, 'is']],
  [
    [
      { op: 'pick', fields: ['a'] },
      { op: 'rename', fields: { a: 5 } },
    ],
    ['operations', 1, 'fields', 'a'],
  ],
  [
    [{ op: 'group', by: ['a'], calculate: { x: { function: 'median', field: 'n' } } }],
    ['operations', 0, 'calculate', 'x', 'function'],
  ],
  [[{ op: 'sort', by: [] }], ['operations', 0, 'by']],
])('refuses %j before the run, by its index', async (operations, path) => {
  const { error } = dataProcessing.params.safeParse({ data: rows, operations });
  expect(error?.issues.map((issue) => issue.path)).toContainEqual(path);
});

it('says what is wrong with the data', async () => {
  const operations = [
    { op: 'group', by: ['city'], calculate: { total: { function: 'sum', field: 'name' } } },
  ];
  await expect(run({ data: 'text', operations })).rejects.toThrow('a list of objects');
  await expect(run({ data: [{}, 5], operations })).rejects.toThrow('data.1 is none');
  await expect(run({ data: rows, operations })).rejects.toThrow(
    'operations.0 (group, total) needs numbers in "name"',
  );
});

it('loses nothing in silence', async () => {
  const data = [{ a: 1, b: 2 }];
  const renamed = { op: 'rename', fields: { a: 'b' } };
  await expect(run({ data, operations: [renamed] })).rejects.toThrow(
    'operations.0 (rename): there is a field "b" already',
  );
  expect(
    await run({ data, operations: [{ op: 'rename', fields: { a: 'b', b: 'a' } }] }),
  ).toMatchObject({ data: { data: [{ b: 1, a: 2 }] } });
  const twice = { op: 'rename', fields: { a: 'c', b: 'c' } };
  const own = { op: 'group', by: ['a'], calculate: { a: { function: 'count' } } };
  for (const operations of [[twice], [own]])
    expect(dataProcessing.params.safeParse({ data, operations }).success).toBe(false);
});

it('compares by value, and puts what is missing last', async () => {
  const data = [{ k: { x: 1, y: 2 } }, { k: { y: 2, x: 1 } }];
  expect(await run({ data, operations: [{ op: 'unique' }] })).toMatchObject({ rows_out: 1 });
  const sorted = await after({ op: 'sort', by: [{ field: 'n', order: 'descending' }] });
  expect(sorted.map((row) => (row as { n: number | null }).n)).toEqual([10, 2, 1, null]);
});

it('does not take on more than a Worker can bear', async () => {
  const data = Array.from({ length: 20_000 }, () => ({}));
  const names = Array.from({ length: 100 }, (_, i) => `f${i}`);
  const refused = async (operation: object, times: number, message: string) =>
    expect(
      run({ data, operations: Array.from({ length: times }, () => operation) }),
    ).rejects.toThrow(message);
  await refused({ op: 'pick', fields: names }, 1, 'operations.0 (pick): its rows would have more');
  const by = names.slice(0, 10).map((field) => ({ field }));
  await refused({ op: 'sort', by }, 50, '(sort): this is too much for one task');
  const calculate = Object.fromEntries(names.map((name) => [name, { function: 'count' }]));
  await expect(
    run({
      data: data.map((_, i) => ({ i })),
      operations: [{ op: 'group', by: ['i'], calculate }],
    }),
  ).rejects.toThrow('operations.0 (group): its rows would have more');
});

it('takes an empty list of operations for none', async () => {
  expect(await run({ data: 'x', operations: [] })).toEqual({
    data: { data: 'x' },
    processed: true,
  });
});

it('names each field once', () => {
  for (const operation of [
    { op: 'pick', fields: ['a', 'a'] },
    { op: 'unique', fields: ['a', 'b', 'a'] },
    { op: 'sort', by: [{ field: 'a' }, { field: 'a', order: 'descending' }] },
    { op: 'group', by: ['a', 'a'], calculate: { n: { function: 'count' } } },
  ])
    expect(dataProcessing.params.safeParse({ data: [], operations: [operation] }).success).toBe(
      false,
    );
});

it.each([
  ['mean', [1e308, 1e308], 1e308],
  ['mean', [-1e308, -1e308, 1e308], -1e308 / 3],
  ['mean', [], null],
  ['sum', [1e308, 1e308, -1e308], 1e308],
  ['max', [1e308, -1e308], 1e308],
])('calculates the %s of %j without overflow', async (name, numbers, result) => {
  const group = { op: 'group', by: ['g'], calculate: { x: { function: name, field: 'n' } } };
  const data = [{ g: 1 }, ...numbers.map((n) => ({ g: 1, n }))];
  const { data: made } = (await run({ data, operations: [group] })) as {
    data: { data: { x: number | null }[] };
  };
  const x = made.data[0]?.x ?? null;
  if (result === null) expect(x).toBeNull();
  else expect(x).toBeCloseTo(result, -300);
});

it('refuses a sum that is beyond what a number can hold', async () => {
  const group = { op: 'group', by: ['g'], calculate: { x: { function: 'sum', field: 'n' } } };
  const data = [
    { g: 1, n: 1e308 },
    { g: 1, n: 1e308 },
  ];
  await expect(run({ data, operations: [group] })).rejects.toThrow('beyond what a number can hold');
});
