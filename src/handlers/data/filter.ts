import type { BulkFilter } from './operation-schema.ts';
import { compare, getValue, toComparable, toRank, type Row } from './values.ts';

/** Whether a row passes; values of another kind than the filter's are neither greater nor less. */
export const toPredicate = (condition: BulkFilter): ((row: Row) => boolean) => {
  const { field: name } = condition;
  const of = (row: Row): unknown => getValue(row, name);
  const compareWith = (holds: (order: number) => boolean, value: unknown) => {
    const other = toComparable(value);
    return (row: Row) => {
      const own = of(row);
      // A filter's value is a number or a text: nothing else needs to be made ready.
      return toRank(own) === other.rank && holds(compare({ rank: other.rank, value: own }, other));
    };
  };
  const text = (holds: (own: string) => boolean) => (row: Row) => {
    const own = of(row);
    return typeof own === 'string' && holds(own);
  };
  switch (condition.is) {
    case 'eq':
      return (row) => of(row) === condition.value;
    case 'ne':
      return (row) => of(row) !== condition.value;
    case 'gt':
      return compareWith((order) => order > 0, condition.value);
    case 'gte':
      return compareWith((order) => order >= 0, condition.value);
    case 'lt':
      return compareWith((order) => order < 0, condition.value);
    case 'lte':
      return compareWith((order) => order <= 0, condition.value);
    case 'in': {
      const values = new Set<unknown>(condition.value);
      return (row) => values.has(of(row));
    }
    case 'not_in': {
      const values = new Set<unknown>(condition.value);
      return (row) => !values.has(of(row));
    }
    case 'contains':
      return text((own) => own.includes(condition.value));
    case 'starts_with':
      return text((own) => own.startsWith(condition.value));
    case 'ends_with':
      return text((own) => own.endsWith(condition.value));
    case 'exists':
      return (row) => of(row) !== null;
    case 'missing':
      return (row) => of(row) === null;
  }
};
