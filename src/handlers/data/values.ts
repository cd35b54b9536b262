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

export const compare = (a: unknown, b: unknown): number => {
  const [ra, rb] = [toRank(a), toRank(b)];
  if (ra !== rb) return ra - rb;
  if (ra === 2) return compare(JSON.stringify(a), JSON.stringify(b));
  if (ra === 3) return 0;
  return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0;
};

/** Equal as JSON. */
export const toKey = (value: unknown): string =>
  JSON.stringify(value, (_key, each: unknown) =>
    isObject(each)
      ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
