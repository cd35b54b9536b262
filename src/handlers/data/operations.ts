import { toCanonicalText } from '../../domain/canonical.ts';
import { GiveUp } from '../../domain/errors.ts';
import { createSum } from '../../domain/numbers.ts';
import { toPredicate } from './filter.ts';
import type { Calculation, Operation } from './operation-schema.ts';
import { compare, getValue, toComparable, toRank, type Row } from './values.ts';

const MISSING = toRank(null);

/** Values are made ready once a row, not once a comparison. */
const sortRows = (rows: Row[], by: readonly { field: string; order: string }[]): Row[] => {
  const keys = rows.map((row) => by.map(({ field: name }) => toComparable(getValue(row, name))));
  const order = rows.map((_, i) => i);
  order.sort((a, b) => {
    for (const [i, { order: direction }] of by.entries()) {
      const [x, y] = [keys[a]?.[i], keys[b]?.[i]];
      if (!x || !y) continue;
      const difference = compare(x, y);
      // Missing values come last in either order.
      if (difference !== 0 && (x.rank === MISSING || y.rank === MISSING)) return difference;
      if (difference !== 0) return direction === 'descending' ? -difference : difference;
    }
    return 0;
  });
  return order.map((i) => rows[i] as Row);
};

const uniqueRows = (rows: Row[], names: readonly string[] | undefined): Row[] => {
  const seen = new Set<string>();
  return rows.filter((row) => {
    const key = toCanonicalText(names ? names.map((name) => getValue(row, name)) : row);
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
  if (how.function === 'sum' || how.function === 'mean') {
    const total = createSum();
    numbers.forEach(total.add);
    if (how.function === 'mean') return total.mean();
    const sum = total.sum();
    if (sum !== null) return sum;
    const message = `${where}: the sum of "${how.field}" is beyond what a number can hold`;
    throw new GiveUp(message, 'bad_data');
  }
  if (numbers.length === 0) return null;
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

/**
 * Applies one operation.
 * @param index its place in the list, for errors
 * @param assertFits throws when rows of so many groups would be too large
 */
export const applyOperation = (
  rows: Row[],
  step: Operation,
  index: number,
  assertFits: (groups: number) => void,
): Row[] => {
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
      const groups = Map.groupBy(rows, (row) =>
        toCanonicalText(step.by.map((name) => getValue(row, name))),
      );
      assertFits(groups.size);
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
