import { expect, it } from 'vitest';
import {
  buildResidual,
  buildSource,
  chooseDriver,
  createBinder,
} from '../../src/store/filter-sql.ts';

it('binds each value once, however often it is used', () => {
  const { bind, values } = createBinder();
  expect([bind('a'), bind('b'), bind('a')]).toEqual(['?1', '?2', '?1']);
  expect(values).toEqual(['a', 'b']);
});

it.each([
  [{ statuses: ['FAILED'] }, { byStatus: true, byType: false }],
  [{ statuses: ['FAILED', 'COMPLETED'] }, { byStatus: false, byType: false }],
  [{ types: ['sum'] }, { byStatus: false, byType: true }],
  [
    { statuses: ['FAILED'], types: ['sum'] },
    { byStatus: true, byType: false },
  ],
  [{ types: ['a', 'b', 'c', 'd', 'e', 'f'] }, { byStatus: false, byType: false }],
  [
    { statuses: ['FAILED'], ids: ['x'] },
    { byStatus: false, byType: false },
  ],
  [{}, { byStatus: false, byType: false }],
] as const)('chooses the index for %j', (filter, driver) => {
  expect(chooseDriver(filter as never)).toEqual(driver);
});

it('leaves nothing to check where the index finds exactly what is asked for', () => {
  const filter = { statuses: ['FAILED' as const] };
  expect(buildResidual(filter, chooseDriver(filter), createBinder().bind)).toEqual([]);
  const more = { ...filter, tags: ['a'], words: ['x'] };
  expect(buildResidual(more, chooseDriver(more), createBinder().bind)).toHaveLength(2);
});

it('puts no value of a caller into the text', () => {
  const evil = `' OR 1=1 --`;
  const filter = {
    types: [evil],
    queues: [evil],
    tags: [evil],
    words: [evil],
    rerunOf: evil,
    error: evil,
    fields: [{ column: 'params' as const, path: ['a'], value: evil }],
  };
  const { bind, values } = createBinder();
  const driver = chooseDriver(filter);
  const text = [
    buildSource('*', evil, filter, { cursor: evil, order: 'newest' }, driver, bind),
    ...buildResidual(filter, driver, bind),
  ].join(' ');
  expect(text).not.toContain('1=1');
  expect(values).toContain(evil);
});
