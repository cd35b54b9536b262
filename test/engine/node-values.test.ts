import { expect, it } from 'vitest';
import { createNodeValues, type Template } from '../../src/engine/node-values.ts';
import type { SourceRow } from '../../src/store/releases.ts';

const row = (more: Partial<SourceRow>): SourceRow => ({
  owner: 'o',
  id: crypto.randomUUID(),
  flow_id: 'f',
  node: 'a',
  item: null,
  status: 'COMPLETED',
  for_each: null,
  items: null,
  bytes: 10,
  result: null,
  ...more,
});
const task = (more: Partial<Template> = {}): Template => ({
  owner: 'o',
  id: 'x',
  flow_id: 'f',
  node: 'b',
  item: null,
  for_each: null,
  params: '{}',
  ...more,
});
const valuesOf = (rows: SourceRow[]) =>
  createNodeValues(new Map([['o f a', rows]]), new Map(rows.map(({ id, result }) => [id, result])));

it('reads a path in the result of a node, and nothing where there is none', () => {
  const values = valuesOf([row({ result: '{"x":[1,2]}' })]);
  expect(values.readReference(task(), { node: 'a', path: ['x', '1'] }, undefined)).toBe(2);
  expect(values.readReference(task(), { node: 'a', path: ['y'] }, undefined)).toBeUndefined();
  expect(values.readReference(task(), { node: null, path: ['n'] }, { n: 7 })).toBe(7);
  const failed = valuesOf([row({ status: 'FAILED', result: '1' })]);
  expect(failed.readReference(task(), { node: 'a', path: [] }, undefined)).toBeNull();
});

it('knows the list of a list node, and the item of each of its tasks', () => {
  const values = valuesOf([row({ result: '{"list":["p","q"]}' })]);
  const list = task({ for_each: 'a.result.list' });
  expect(values.readList(list)).toEqual(['p', 'q']);
  expect(values.readItem({ ...list, item: 1 })).toBe('q');
  expect(values.readItem(list)).toBeUndefined();
});
