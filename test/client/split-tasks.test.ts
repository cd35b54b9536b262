import { expect, it } from 'vitest';
import { splitTasks } from '../../src/client/split-tasks.ts';

const many = (count: number, more: object = {}) =>
  Array.from({ length: count }, () => ({ type: 'sum', params: { a: 1, b: 2 }, ...more }));
const sizesOf = (tasks: Parameters<typeof splitTasks>[0]): number[] =>
  splitTasks(tasks).map(({ length }) => length);

it('splits by what one bulk call takes: tasks, bytes, and tasks that replace others', () => {
  const replacing = many(250, { unique: { on_conflict: 'replace' } });
  expect(sizesOf([])).toEqual([]);
  expect(sizesOf(many(2_001))).toEqual([1_000, 1_000, 1]);
  expect(sizesOf(many(4, { tag: 'x'.repeat(400_000) }))).toEqual([2, 2]);
  expect(sizesOf(replacing)).toEqual([100, 100, 50]);
  expect(sizesOf([...many(500), ...replacing.slice(0, 100), ...many(500)])).toEqual([1_000, 100]);
});
