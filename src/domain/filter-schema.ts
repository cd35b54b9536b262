import * as z from 'zod';
import type { FieldFilter, TaskFilter } from './filter.ts';
import { ROUTES } from './routing.ts';
import { findVariants, MAX_VARIANTS } from './search-variants.ts';
import { isBlank } from './text.ts';
import { PRIORITIES, STATUSES } from './words.ts';

// A filter as callers write it: in the query of a list, and in the body of an action on all that
// match.

const BLANK = 'A filter that says nothing would find everything: give a value, or leave it out';

/** A text of a filter, which must say something. */
const filterText = (max: number) =>
  z
    .string()
    .max(max)
    .refine((text) => !isBlank(text), BLANK);

/** A list that is not empty, for an empty one would not filter at all. */
const listOf = <Item extends z.ZodType>(item: Item, shown: object, most = 20) =>
  z
    .preprocess(
      (value) => (value === undefined || Array.isArray(value) ? value : [value]),
      z.array(item).min(1, BLANK).max(most).optional(),
    )
    .meta({ type: 'array', items: shown, minItems: 1, maxItems: most });

/** Words of ours, in upper or lower case. */
const wordList = <const Words extends readonly string[]>(known: Words) =>
  listOf(
    z.preprocess((word) => {
      const upper = typeof word === 'string' ? word.toUpperCase() : word;
      return upper === 'NORMAL' ? 'MEDIUM' : upper;
    }, z.enum(known)),
    { type: 'string', enum: [...known] },
  );

const ONCE = 'Give it once';
/** A text of a query: given several times it would be a list. */
export const singleText = () =>
  z.string({ error: ({ code }) => (code === 'invalid_type' ? ONCE : undefined) });

/** A moment, or the beginning of a day in UTC, as ms. */
export const moment = z
  .preprocess(
    (value) => (typeof value === 'string' ? value.toUpperCase() : value),
    z.union(
      [z.iso.datetime({ offset: true }), z.iso.date()],
      'Expected a time in ISO 8601, such as 2026-01-31T12:00:00Z',
    ),
  )
  .transform((text) => Date.parse(text))
  .meta({ type: 'string', format: 'date-time' });

/** The words of a text, all to be found. */
const search = singleText()
  .max(200)
  .transform((text) => text.split(/\s+/).filter((word) => !isBlank(word)))
  .pipe(z.array(z.string()).min(1, BLANK).max(10))
  .refine(
    (found) => found.reduce((sum, word) => sum + findVariants(word).length, 0) <= MAX_VARIANTS,
    'These are too many different letters to search for at once: give fewer words',
  )
  .meta({
    type: 'string',
    minLength: 1,
    maxLength: 200,
    description:
      'An id or the beginning of one, an order number or the like in the parameters, or words to be found in title, description, tags, error, parameters and result',
  });

/** Most ids that a filter names. */
const MAX_IDS = 100;

/** The filters that have a name of their own. */
export const namedFilters = {
  status: wordList(STATUSES),
  type: listOf(filterText(100), { type: 'string' }),
  priority: wordList(PRIORITIES),
  queue: listOf(z.enum(ROUTES), { type: 'string', enum: [...ROUTES] }),
  tag: listOf(filterText(50), { type: 'string' }),
  id: listOf(z.uuid().toLowerCase(), { type: 'string', format: 'uuid' }, MAX_IDS),
  submitted_after: moment.optional(),
  submitted_before: moment.optional(),
  q: search.optional(),
  rerun_of: z
    .uuid()
    .toLowerCase()
    .optional()
    .meta({ description: 'Tasks that ran this one again' }),
  parent_id: z
    .uuid()
    .toLowerCase()
    .optional()
    .meta({ description: 'Tasks that this one submitted while it ran' }),
  schedule_id: z
    .uuid()
    .toLowerCase()
    .optional()
    .meta({ description: 'Tasks that this schedule submitted' }),
  flow_id: z.uuid().toLowerCase().optional().meta({ description: 'Tasks of this flow' }),
  error: singleText()
    .max(4_000)
    .refine((text) => !isBlank(text), BLANK)
    .optional()
    .meta({
      type: 'string',
      minLength: 1,
      maxLength: 4_000,
      description: 'The message of the last error; `…` in it stands for any text',
    }),
};

/** `params.<path>` and `result.<path>`: names, and places in lists, separated by dots. */
const FIELD = /^(params|result)\.(.+)$/;
// SQLite's JSON paths have no way to write a quote or a backslash.
const SEGMENTS = /^[^"\\.\p{Cc}]{1,100}(\.[^"\\.\p{Cc}]{1,100}){0,9}$/u;
const MAX_FIELDS = 10;

/**
 * A schema for `shape` and any number of `params.<path>` and `result.<path>`, which it gathers in
 * `fields`.
 */
export const withFields = <Schema extends z.ZodObject>(shape: Schema) =>
  z.unknown().transform((given, context): z.output<Schema> & { fields: FieldFilter[] } => {
    const fields: FieldFilter[] = [];
    const rest: [string, unknown][] = [];
    const refuse = (key: string, message: string): void => {
      context.addIssue({ code: 'custom', path: [key], message });
    };
    if (typeof given !== 'object' || given === null || Array.isArray(given)) {
      context.addIssue({ code: 'custom', message: 'Expected an object' });
      return z.NEVER;
    }
    for (const [key, value] of Object.entries(given)) {
      const [, column, path = ''] = FIELD.exec(key) ?? [];
      if (column === undefined) rest.push([key, value]);
      else if (typeof value !== 'string') refuse(key, ONCE);
      else if (isBlank(value)) refuse(key, BLANK);
      else if (!SEGMENTS.test(path))
        refuse(key, 'A path is up to 10 names separated by dots, without quotes and backslashes');
      else fields.push({ column: column as FieldFilter['column'], path: path.split('.'), value });
    }
    if (fields.length > MAX_FIELDS)
      refuse('params', `Give at most ${MAX_FIELDS} of params.… and result.…`);
    const parsed = shape.safeParse(Object.fromEntries(rest));
    if (!parsed.success) {
      context.issues.push(
        ...parsed.error.issues.map((issue) => ({ ...issue, input: given }) as z.core.$ZodRawIssue),
      );
      return z.NEVER;
    }
    return { ...parsed.data, fields };
  });

export const filters = z.strictObject(namedFilters);
export type WrittenFilter = z.output<typeof filters> & { fields: FieldFilter[] };

/** A filter as callers write it, kept as it is: `toFilter` reads it. */
export const filterAsWritten = withFields(filters);

/**
 * A filter as a caller writes it, turned into the store's. `typeOf`: the type that a name stands
 * for.
 */
export const toFilter = (written: WrittenFilter, typeOf: (name: string) => string): TaskFilter => ({
  statuses: written.status,
  types: written.type?.map(typeOf),
  priorities: written.priority,
  queues: written.queue,
  tags: written.tag,
  ids: written.id,
  submittedAfter: written.submitted_after,
  submittedBefore: written.submitted_before,
  words: written.q,
  rerunOf: written.rerun_of,
  parentId: written.parent_id,
  scheduleId: written.schedule_id,
  flowId: written.flow_id,
  error: written.error,
  fields: written.fields,
});
