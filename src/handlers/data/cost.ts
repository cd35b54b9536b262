import { GiveUp } from '../../domain/errors.ts';
import type { Operation } from './operation-schema.ts';
import { getValue, type Row } from './values.ts';

// What operations cost, in bytes that are looked at or made. A budget of them holds the time, a
// bound on what is made holds the memory: neither can be got past by long names or nested values.

/** A few seconds of computing. */
const MAX_COST = 400_000_000;
/** Rows between two operations, as JSON: a result has a quarter of it. */
const MAX_ROWS_SIZE = 4_000_000;
/** A cell costs this much, however small it is. */
const CELL = 16;

/** The size of a value as JSON, about. */
const measureSize = (value: unknown): number => {
  if (typeof value === 'string') return value.length + 2;
  if (typeof value !== 'object' || value === null) return 8;
  let size = 2;
  if (Array.isArray(value)) for (const item of value) size += 1 + measureSize(item);
  else
    for (const [name, each] of Object.entries(value)) size += name.length + 4 + measureSize(each);
  return size;
};

const sumLengths = (names: readonly string[]): number =>
  names.reduce((sum, name) => sum + name.length + 4, 0);

/** The size of some fields of all rows. */
const measureFields = (rows: readonly Row[], names: readonly string[]): number => {
  let size = 0;
  for (const row of rows) for (const name of names) size += measureSize(getValue(row, name));
  return size;
};

const log2 = (n: number): number => Math.ceil(Math.log2(n + 2));

/** What an operation looks at and makes. @param size that of all rows */
const estimateCost = (rows: readonly Row[], step: Operation, size: number): number => {
  const cells = (perRow: number): number => rows.length * perRow * CELL;
  switch (step.op) {
    case 'filter': {
      const needle = 'value' in step ? measureSize(step.value) : 0;
      const own = measureFields(rows, [step.field]);
      // To look for a text within another may cost as much as both together, multiplied.
      const isSearch = step.is === 'contains';
      return cells(1) + needle + (isSearch ? own * Math.max(1, needle / 16) : own);
    }
    case 'pick':
      return cells(step.fields.length) + measureFields(rows, step.fields);
    case 'rename':
      return cells(Object.keys(step.fields).length + 1) + 2 * size;
    case 'sort': {
      const names = step.by.map(({ field }) => field);
      return (cells(names.length) + measureFields(rows, names)) * log2(rows.length);
    }
    case 'unique':
      return 4 * (step.fields ? measureFields(rows, step.fields) : size) + cells(1);
    case 'limit':
      return cells(1);
    case 'group': {
      const looked = cells(step.by.length + Object.keys(step.calculate).length);
      return looked + 4 * measureFields(rows, step.by);
    }
  }
};

/** The most that the rows after an operation can measure. */
const estimateSize = (rows: readonly Row[], step: Operation, size: number): number => {
  if (step.op === 'pick')
    return measureFields(rows, step.fields) + rows.length * sumLengths(step.fields);
  if (step.op === 'rename') return size + rows.length * sumLengths(Object.values(step.fields));
  return size;
};

/** Holds the operations of one task within bounds. */
export const createBudget = (rows: readonly Row[]) => {
  let left = MAX_COST;
  let size = measureSize(rows);
  const refuse = (index: number, step: Operation, message: string): never => {
    throw new GiveUp(`operations.${index} (${step.op}): ${message}`, 'too_much_work');
  };
  return {
    /** Throws, before it is done, what would take too long or make too much. */
    spend(current: readonly Row[], step: Operation, index: number): void {
      left -= estimateCost(current, step, size) + size / 4;
      if (left < 0) refuse(index, step, 'this is too much for one task; split it');
      if (estimateSize(current, step, size) > MAX_ROWS_SIZE)
        refuse(index, step, `its rows would have more than ${MAX_ROWS_SIZE} bytes`);
    },
    /** Once it is known how many groups there are: each names all of its fields. */
    assertGroupsFit(groups: number, step: Operation, index: number): void {
      if (step.op !== 'group') return;
      const names = [...step.by, ...Object.keys(step.calculate)];
      if (groups * sumLengths(names) > MAX_ROWS_SIZE)
        refuse(index, step, `its rows would have more than ${MAX_ROWS_SIZE} bytes`);
    },
    /** After an operation: what it has made. */
    settle(current: readonly Row[], step: Operation, index: number): void {
      size = measureSize(current);
      if (size > MAX_ROWS_SIZE)
        refuse(index, step, `its rows have more than ${MAX_ROWS_SIZE} bytes`);
    },
  };
};
