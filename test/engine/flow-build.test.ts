import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/domain/errors.ts';
import type { FlowNodeRequest, FlowRequest } from '../../src/domain/flow-request.ts';
import { buildFlow } from '../../src/engine/flow-build.ts';
import { aCaller, buildDeps, sum } from '../support/flows.ts';

const NOW = 1_900_000_000_000;
const build = (
  tasks: Record<string, FlowNodeRequest>,
  more: Partial<FlowRequest> = {},
  caller = aCaller,
) => buildFlow({ on_failure: 'stop', ...more, tasks }, caller, null, buildDeps(NOW));

const refused = async (tasks: Record<string, FlowNodeRequest>): Promise<string[]> => {
  const error = await build(tasks).catch((thrown: unknown) => thrown);
  if (!(error instanceof AppError)) throw new Error('It was built');
  return (error.errors ?? [{ path: error.code, code: '' }]).map(({ path, code }) =>
    `${path} ${code}`.trim(),
  );
};

it('builds tasks in an order in which each comes after those that it waits for', async () => {
  const { flow, tasks, edges } = await build({
    c: sum('b.result.result'),
    a: sum(1),
    b: sum('a.result.result', 1, { after: ['a'] }),
  });
  expect(flow).toMatchObject({ status: 'PENDING', open: 3, tasks: 3 });
  expect(tasks.map(({ node, blocked_by }) => [node, blocked_by])).toEqual([
    ['a', null],
    ['b', 1],
    ['c', 1],
  ]);
  const [a, b, c] = tasks.map(({ id }) => id);
  expect(edges).toHaveLength(2);
  expect(edges).toEqual(
    expect.arrayContaining([
      { before: a, follower: b },
      { before: b, follower: c },
    ]),
  );
});

it('keeps what is written until the values are there, and fills literals in at once', async () => {
  const literal = { type: 'data_processing', params: { data: { $literal: { $from: 'x' } } } };
  const { tasks } = await build({
    a: { ...literal, priority: 'MEDIUM' },
    b: { ...literal, priority: 'MEDIUM', after: ['a'] },
    c: sum('a.result.data', 2, { delay_seconds: 5 }),
  });
  expect(tasks.map(({ params }) => JSON.parse(params) as unknown)).toEqual([
    { data: { $from: 'x' } },
    { data: { $literal: { $from: 'x' } } },
    { a: { $from: 'a.result.data' }, b: 2 },
  ]);
  // It is delayed from when nothing keeps it.
  expect(tasks[2]).toMatchObject({ delay_ms: 5_000, scheduled_at: null, status: 'PENDING' });
});

describe('refuses, naming every field,', () => {
  it.each<[string, Record<string, FlowNodeRequest>, string[]]>([
    ['a cycle', { a: sum(1, 1, { after: ['b'] }), b: sum('a.result') }, ['tasks.a.after cycle']],
    ['a task that is not there', { a: sum('z.result') }, ['tasks.a.params.a unknown_node']],
    [
      'a list that is not there',
      { a: sum('item', 1, { for_each: { $from: 'z.result' } }), b: sum(1, 1, { after: ['y'] }) },
      ['tasks.a.for_each.$from unknown_node', 'tasks.b.after unknown_node'],
    ],
    [
      'a task named twice',
      { a: sum(1), b: sum(1, 1, { after: ['a', 'a'] }) },
      ['tasks.b.after duplicate'],
    ],
    ['a reference that is none', { a: sum('a b') }, ['tasks.a.params.a invalid_reference']],
    ['an item without a list', { a: sum('item') }, ['tasks.a.params.a no_item']],
    [
      'a list that is no reference',
      { a: sum(1, 1, { for_each: { $from: 'item' } }) },
      ['tasks.a.for_each.$from invalid_reference'],
    ],
    [
      'a unique task',
      { a: sum(1, 1, { unique: { while: 'unfinished', on_conflict: 'return' } }) },
      ['tasks.a.unique not_allowed'],
    ],
    [
      'parameters that are wrong',
      { a: { type: 'sum', params: { a: 'x' }, priority: 'MEDIUM' } },
      ['tasks.a.params.a invalid_type', 'tasks.a.params.b invalid_type'],
    ],
    [
      'what is wrong whatever the values are',
      {
        a: sum(1),
        b: { type: 'sum', params: { a: { $from: 'a.result.result' }, c: 1 }, priority: 'MEDIUM' },
      },
      ['tasks.b.params.b invalid_type', 'tasks.b.params.c unknown_field'],
    ],
    [
      'a type that there is not',
      { a: { type: 'nothing', params: {}, priority: 'MEDIUM' } },
      ['tasks.a.type unknown_type'],
    ],
  ])('%s', async (_what, tasks, expected) => {
    expect(await refused(tasks)).toEqual(expected);
  });

  it('a callback that must not be called', async () => {
    await expect(build({ a: sum(1) }, { callback_url: 'http://10.0.0.1/' })).rejects.toMatchObject({
      errors: [{ path: 'callback_url' }],
    });
  });
});

it('lets a key run the types that it may, and no type whose parameters name what it runs', async () => {
  const caller = { ...aCaller, taskTypes: ['sum', 'bulk_action'] };
  await expect(build({ a: sum(1) }, {}, caller)).resolves.toBeDefined();
  const bulk: FlowNodeRequest = {
    type: 'bulk_action',
    params: { action: 'retry', filter: { type: { $from: 'a.result' } } },
    priority: 'MEDIUM',
  };
  await expect(build({ a: sum(1), b: bulk }, {}, caller)).rejects.toMatchObject({
    code: 'type_not_allowed',
  });
  const others = { ...aCaller, taskTypes: ['broken'] };
  await expect(build({ a: sum(1) }, {}, others)).rejects.toMatchObject({
    code: 'type_not_allowed',
  });
});
