import { toCanonicalText } from '../../domain/canonical.ts';

// Rows, and how their values compare.

/**
 * A row. Its keys are data: nothing is ever assigned by a key, so `__proto__` is one like any
 * other.
 */
export type Row = Record<string, unknown>;

/** An own property; null where there is none. */
export const getValue = (row: Row, name: string): unknown =>
  Object.hasOwn(row, name) ? row[name] : null;

/** Numbers before texts before everything else, nulls last; within a kind by value. */
export const toRank = (value: unknown): number =>
  typeof value === 'number' ? 0 : typeof value === 'string' ? 1 : value === null ? 3 : 2;

/** A value made ready to be compared many times: lists and objects are compared by their text. */
export const toComparable = (value: unknown): { rank: number; value: unknown } => {
  const rank = toRank(value);
  return { rank, value: rank === 2 ? toCanonicalText(value) : value };
};

export const compare = (
  a: ReturnType<typeof toComparable>,
  b: ReturnType<typeof toComparable>,
): number => {
  if (a.rank !== b.rank) return a.rank - b.rank;
  if (a.rank === 3) return 0;
  return (a.value as number) < (b.value as number)
    ? -1
    : (a.value as number) > (b.value as number)
      ? 1
      : 0;
};
