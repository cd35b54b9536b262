import { expect, it } from 'vitest';
import { MAX_SOURCE_BYTES } from '../../src/domain/flow.ts';
import { createFlowValues, fillTemplate } from '../../src/engine/flow-values.ts';
import type { Template } from '../../src/engine/node-values.ts';
import type { SourceRow } from '../../src/store/releases.ts';

const template = (params: object, more: Partial<Template> = {}): Template => ({
  owner: 'o',
  id: crypto.randomUUID(),
  flow_id: 'f',
  node: 'n',
  item: null,
  for_each: null,
  params: JSON.stringify(params),
  ...more,
});
const source = (node: string, result: unknown, more: Partial<SourceRow> = {}): SourceRow => ({
  owner: 'o',
  id: `${node}-${more.item ?? ''}`,
  flow_id: 'f',
  node,
  item: null,
  status: 'COMPLETED',
  for_each: null,
  items: null,
  bytes: 10,
  result: JSON.stringify(result),
  ...more,
});
/** Values of these rows, and how often results were read by themselves. */
const setup = (rows: SourceRow[], long = new Map<string, string>()) => {
  let reads = 0;
  const values = createFlowValues({
    findSources: async () => rows,
    readTemplate: async () => null,
    readResults: async (keys) => {
      reads += 1;
      return new Map(keys.map(({ id }) => [id, long.get(id) ?? null]));
    },
  });
  const groups = async (...tasks: Template[]) => {
    const found = [];
    for await (const group of values.readInGroups(tasks)) found.push(group);
    return found;
  };
  const fill = async (task: Template) => {
    const [group] = await groups(task);
    return group?.values ? fillTemplate(task, group.values, group.values.readItem(task)) : null;
  };
  return { groups, fill, values, reads: () => reads };
};
const from = ($from: string) => ({ $from });

it('puts values in, null where there is none, and says which those are', async () => {
  const { fill } = setup([source('a', { list: [1, { x: 'y' }] })]);
  const task = template({
    whole: from('a.result'),
    deep: [from('a.result.list.1.x')],
    none: from('a.result.other'),
    kept: { $literal: from('a.result') },
  });
  expect(await fill(task)).toMatchObject({
    params: {
      whole: { list: [1, { x: 'y' }] },
      deep: ['y'],
      none: null,
      kept: { $from: 'a.result' },
    },
    empty: ['a.result.other'],
  });
});

it('has null for what did not complete', async () => {
  const { fill } = setup([source('a', null, { status: 'FAILED', result: null })]);
  expect(await fill(template({ a: from('a.result') }))).toMatchObject({ params: { a: null } });
});

it('has the list of what a list node’s tasks returned, in its order', async () => {
  const made = { for_each: 'x.result', items: 2 };
  const { fill } = setup([
    source('a', { items: 2 }, made),
    source('a', 'second', { ...made, item: 1 }),
    source('a', 'first', { ...made, item: 0, status: 'COMPLETED' }),
    source('a', null, { ...made, item: 2, status: 'FAILED', result: null }),
  ]);
  expect(await fill(template({ all: from('a.result'), one: from('a.result.1') }))).toMatchObject({
    params: { all: ['first', 'second', null], one: 'second' },
  });
});

it('knows the item of a task that a list node made', async () => {
  const { fill } = setup([source('a', { list: [{ n: 5 }, { n: 6 }] })]);
  const task = template({ n: from('item.n') }, { for_each: 'a.result.list', item: 1 });
  expect(await fill(task)).toMatchObject({ params: { n: 6 } });
});

it('reads long results once for all that need them', async () => {
  const long = new Map([['a-', JSON.stringify('long')]]);
  const { groups, reads } = setup([source('a', null, { bytes: 5_000, result: null })], long);
  const tasks = [1, 2, 3].map((i) => template({ a: from('a.result'), i }));
  const [group] = await groups(...tasks);
  expect(group?.tasks).toHaveLength(3);
  expect(reads()).toBe(1);
});

it('holds no more at a time than fits, and gives up on what never does', async () => {
  const bytes = MAX_SOURCE_BYTES * 0.6;
  const rows = ['a', 'b'].map((node) => source(node, 1, { bytes, result: null }));
  const { groups } = setup(rows);
  const [a, b, both] = [
    template({ v: from('a.result') }),
    template({ v: from('b.result') }),
    template({ v: from('a.result'), w: from('b.result') }),
  ];
  const found = await groups(a, b, both);
  expect(found.map(({ tasks, values }) => [tasks.length, values !== null])).toEqual([
    [1, false],
    [1, true],
    [1, true],
  ]);
});

it('refuses parameters that are too large with their values, and fills in at the run', async () => {
  const { fill, values } = setup([source('a', 'x'.repeat(600_000), { bytes: 600_002 })]);
  expect(await fill(template({ a: from('a.result'), b: from('a.result') }))).toMatchObject({
    error: { code: 'params_too_large' },
  });
  expect(await values.fillAtRun(template({ a: from('a.result') }))).toMatchObject({
    params: { a: expect.any(String) as string },
  });
});
