import * as z from 'zod';
import { GiveUp } from '../../domain/errors.ts';

/**
 * A row. Its keys are data: nothing is ever assigned by a key, so `__proto__` is one like any
 * other.
 */
export type Row = Record<string, unknown>;

const field = z.string().min(1).max(200);
const fields = z.array(field).min(1).max(100);
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

/** As a part of another schema, which has its own `$schema`. */
const jsonSchemaOf = (schema: z.ZodType): object => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema);
  return rest;
};

/** An object of names and items. Not z.record, which drops a key named `__proto__` in silence. */
const named = <Item extends z.ZodType>(item: Item) =>
  z
    .custom<Record<string, z.output<Item>>>(
      (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
      'Expected an object',
    )
    .superRefine((value, context) => {
      const entries = Object.entries(value);
      if (entries.length === 0 || entries.length > 100)
        context.addIssue({ code: 'custom', message: 'Give 1 to 100 names' });
      for (const [key, each] of entries)
        for (const issue of item.safeParse(each).error?.issues ?? [])
          context.addIssue({ ...issue, path: [key, ...issue.path], input: each } as never);
    })
    .meta({
      type: 'object',
      additionalProperties: jsonSchemaOf(item),
      minProperties: 1,
      maxProperties: 100,
    });

const calculation = z.discriminatedUnion('function', [
  z.strictObject({ function: z.literal('count') }),
  z.strictObject({ function: z.enum(['sum', 'min', 'max', 'mean']), field }),
]);

const filter = z.discriminatedUnion('is', [
  z.strictObject({ op: z.literal('filter'), field, is: z.enum(['eq', 'ne']), value: scalar }),
  z.strictObject({
    op: z.literal('filter'),
    field,
    is: z.enum(['gt', 'gte', 'lt', 'lte']),
    value: z.union([z.number(), z.string()]),
  }),
  z.strictObject({
    op: z.literal('filter'),
    field,
    is: z.enum(['in', 'not_in']),
    value: z.array(scalar).max(1_000),
  }),
  z.strictObject({
    op: z.literal('filter'),
    field,
    is: z.enum(['contains', 'starts_with', 'ends_with']),
    value: z.string(),
  }),
  z.strictObject({ op: z.literal('filter'), field, is: z.enum(['exists', 'missing']) }),
]);

/**
 * One operation of `data_processing`: fixed ones, no expression language, no regular expressions.
 */
export const operation = z.discriminatedUnion('op', [
  filter,
  z.strictObject({ op: z.literal('pick'), fields }),
  z.strictObject({
    op: z.literal('rename'),
    fields: named(field).refine(
      (names) => new Set(Object.values(names)).size === Object.keys(names).length,
      'Two fields cannot have one name',
    ),
  }),
  z.strictObject({
    op: z.literal('sort'),
    by: z
      .array(
        z.strictObject({ field, order: z.enum(['ascending', 'descending']).default('ascending') }),
      )
      .min(1)
      .max(10),
  }),
  z.strictObject({ op: z.literal('unique'), fields: fields.optional() }),
  z.strictObject({
    op: z.literal('limit'),
    count: z.int().min(0),
    offset: z.int().min(0).default(0),
  }),
  z
    .strictObject({ op: z.literal('group'), by: fields, calculate: named(calculation) })
    .refine(({ by, calculate: names }) => by.every((name) => !Object.hasOwn(names, name)), {
      path: ['calculate'],
      message: 'A calculated name must not be one of "by"',
    }),
]);
export type Operation = z.output<typeof operation>;
type Filter = z.output<typeof filter>;

/** An own property; null where there is none. */
const valueOf = (row: Row, name: string): unknown => (Object.hasOwn(row, name) ? row[name] : null);

/** Numbers before texts before everything else, nulls last; within a kind by value. */
const rankOf = (value: unknown): number =>
  typeof value === 'number' ? 0 : typeof value === 'string' ? 1 : value === null ? 3 : 2;

const compare = (a: unknown, b: unknown): number => {
  const [ra, rb] = [rankOf(a), rankOf(b)];
  if (ra !== rb) return ra - rb;
  if (ra === 2) return compare(JSON.stringify(a), JSON.stringify(b));
  if (ra === 3) return 0;
  return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0;
};

/** Equal as JSON. */
const keyOf = (value: unknown): string =>
  JSON.stringify(value, (_key, each: unknown) =>
    isObject(each)
      ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether a row passes; values of another kind than the filter's are neither greater nor less. */
const test = (condition: Filter): ((row: Row) => boolean) => {
  const { field: name } = condition;
  const of = (row: Row): unknown => valueOf(row, name);
  const ordered = (holds: (order: number) => boolean, value: unknown) => (row: Row) => {
    const own = of(row);
    return rankOf(own) === rankOf(value) && holds(compare(own, value));
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
      return ordered((order) => order > 0, condition.value);
    case 'gte':
      return ordered((order) => order >= 0, condition.value);
    case 'lt':
      return ordered((order) => order < 0, condition.value);
    case 'lte':
      return ordered((order) => order <= 0, condition.value);
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

const sortRows = (rows: Row[], by: readonly { field: string; order: string }[]): Row[] =>
  rows.toSorted((a, b) => {
    for (const { field: name, order } of by) {
      const [x, y] = [valueOf(a, name), valueOf(b, name)];
      const difference = compare(x, y);
      // What is missing comes last, whichever way the rest is turned.
      if (difference !== 0 && (x === null || y === null)) return difference;
      if (difference !== 0) return order === 'descending' ? -difference : difference;
    }
    return 0;
  });

const uniqueRows = (rows: Row[], names: readonly string[] | undefined): Row[] => {
  const seen = new Set<string>();
  return rows.filter((row) => {
    const key = keyOf(names ? names.map((name) => valueOf(row, name)) : row);
    return seen.has(key) ? false : seen.add(key);
  });
};

/**
 * The numbers of a field; rows without it are left out, anything else is an error that names the
 * operation.
 */
const numbersOf = (rows: readonly Row[], name: string, where: string): number[] =>
  rows.flatMap((row) => {
    const value = valueOf(row, name);
    if (value === null) return [];
    if (typeof value !== 'number')
      throw new GiveUp(
        `${where} needs numbers in "${name}", not ${JSON.stringify(value).slice(0, 50)}`,
        'bad_data',
      );
    return [value];
  });

const calculate = (
  rows: readonly Row[],
  how: z.output<typeof calculation>,
  where: string,
): number | null => {
  if (how.function === 'count') return rows.length;
  const numbers = numbersOf(rows, how.field, where);
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
export const apply = (rows: Row[], step: Operation, index: number): Row[] => {
  switch (step.op) {
    case 'filter':
      return rows.filter(test(step));
    case 'pick':
      return rows.map((row) =>
        Object.fromEntries(step.fields.map((name) => [name, valueOf(row, name)])),
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
      const groups = Map.groupBy(rows, (row) => keyOf(step.by.map((name) => valueOf(row, name))));
      return [...groups.values()].map((members) =>
        Object.fromEntries([
          ...step.by.map((name) => [name, valueOf(members[0] as Row, name)] as const),
          ...Object.entries(step.calculate).map(
            ([name, how]) =>
              [name, calculate(members, how, `operations.${index} (group, ${name})`)] as const,
          ),
        ]),
      );
    }
  }
};
