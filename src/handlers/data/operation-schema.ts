import * as z from 'zod';
import { isObject } from '../../domain/json.ts';

const field = z.string().min(1).max(200);
const isDistinct = (names: readonly string[]): boolean => new Set(names).size === names.length;
const fields = z.array(field).min(1).max(100).refine(isDistinct, 'Name each field once');
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

/** As a part of another schema, which has its own `$schema`. */
const toJsonSchema = (schema: z.ZodType): object => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema);
  return rest;
};

/** An object of names and items. Not z.record, which drops a key named `__proto__` in silence. */
const nonEmptyRecord = <Item extends z.ZodType>(item: Item) =>
  z
    .custom<Record<string, z.output<Item>>>(isObject, 'This must be an object')
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
      additionalProperties: toJsonSchema(item),
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
    value: z.string().max(1_000),
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
    fields: nonEmptyRecord(field).refine(
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
      .max(10)
      .refine((by) => isDistinct(by.map((each) => each.field)), 'Name each field once'),
  }),
  z.strictObject({ op: z.literal('unique'), fields: fields.optional() }),
  z.strictObject({
    op: z.literal('limit'),
    count: z.int().min(0),
    offset: z.int().min(0).default(0),
  }),
  z
    .strictObject({ op: z.literal('group'), by: fields, calculate: nonEmptyRecord(calculation) })
    .refine(({ by, calculate: names }) => by.every((name) => !Object.hasOwn(names, name)), {
      path: ['calculate'],
      message: 'A calculated name must not be one of "by"',
    }),
]);
export type Operation = z.output<typeof operation>;
export type BulkFilter = z.output<typeof filter>;
export type Calculation = z.output<typeof calculation>;
