import { GiveUp } from '../../domain/errors.ts';
import { toPredicate } from './filter.ts';
import type { Calculation, Operation } from './operation-schema.ts';
import { compare, getValue, toKey, type Row } from './values.ts';

const sortRows = (rows: Row[], by: readonly { field: string; order: string }[]): Row[] =>
  rows.toSorted((a, b) => {
    for (const { field: name, order } of by) {
      const [x, y] = [getValue(a, name), getValue(b, name)];
      const difference = compare(x, y);
      // Missing values come last in either order.
      if (difference !== 0 && (x === null || y === null)) return difference;
      if (difference !== 0) return order === 'descending' ? -difference : difference;
    }
    return 0;
  });

const uniqueRows = (rows: Row[], names: readonly string[] | undefined): Row[] => {
  const seen = new Set<string>();
  return rows.filter((row) => {
    const key = toKey(names ? names.map((name) => getValue(row, name)) : row);
    return seen.has(key) ? false : seen.add(key);
  });
};

/**
 * The numbers of a field; rows without it are left out, anything else is an error that names the
 * operation.
 */
const readNumbers = (rows: readonly Row[], name: string, where: string): number[] =>
  rows.flatMap((row) => {
    const value = getValue(row, name);
    if (value === null) return [];
    if (typeof value !== 'number')
      throw new GiveUp(
        `${where} needs numbers in "${name}", not ${JSON.stringify(value).slice(0, 50)}`,
        'bad_data',
      );
    return [value];
  });

const calculate = (rows: readonly Row[], how: Calculation, where: string): number | null => {
  if (how.function === 'count') return rows.length;
  const numbers = readNumbers(rows, how.field, where);
  const sum = numbers.reduce((total, each) => total + each, 0);
  if (how.function === 'sum') return sum;
  if (numbers.length === 0) return null;
  if (how.function === 'mean') return sum / numbers.length;
  const better = how.function === 'min' ? Math.min : Math.max;
  return numbers.reduce((best, each) => better(best, each));
};

/** A new name must not be another field's: one of the two values would be lost. */
const assertFree = (
  rows: readonly Row[],
  names: ReadonlyMap<string, string>,
  index: number,
): void => {
  for (const row of rows)
    for (const [from, to] of names)
      if (from !== to && Object.hasOwn(row, from) && Object.hasOwn(row, to) && !names.has(to))
        throw new GiveUp(
          `operations.${index} (rename): there is a field "${to}" already`,
          'bad_data',
        );
};

/** Cells that an operation makes or looks at, about. */
export const estimateCells = (rows: readonly Row[], step: Operation): number =>
  rows.length *
  (step.op === 'pick'
    ? step.fields.length
    : step.op === 'group'
      ? step.by.length + Object.keys(step.calculate).length
      : Object.keys(rows[0] ?? {}).length + 1);

/** Applies one operation. @param index its place in the list, for errors */
export const applyOperation = (rows: Row[], step: Operation, index: number): Row[] => {
  switch (step.op) {
    case 'filter':
      return rows.filter(toPredicate(step));
    case 'pick':
      return rows.map((row) =>
        Object.fromEntries(step.fields.map((name) => [name, getValue(row, name)])),
      );
    case 'rename': {
      const names = new Map(Object.entries(step.fields));
      assertFree(rows, names, index);
      return rows.map((row) =>
        Object.fromEntries(
          Object.entries(row).map(([name, value]) => [names.get(name) ?? name, value]),
        ),
      );
    }
    case 'sort':
      return sortRows(rows, step.by);
    case 'unique':
      return uniqueRows(rows, step.fields);
    case 'limit':
      return rows.slice(step.offset, step.offset + step.count);
    case 'group': {
      const groups = Map.groupBy(rows, (row) => toKey(step.by.map((name) => getValue(row, name))));
      return [...groups.values()].map((members) =>
        Object.fromEntries([
          ...step.by.map((name) => [name, getValue(members[0] as Row, name)] as const),
          ...Object.entries(step.calculate).map(
            ([name, how]) =>
              [name, calculate(members, how, `operations.${index} (group, ${name})`)] as const,
          ),
        ]),
      );
    }
  }
};
