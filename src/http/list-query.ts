import * as z from 'zod';
import { QUEUES } from '../domain/routing.ts';
import { PRIORITIES, STATUSES } from '../domain/task.ts';
import type { FieldFilter } from '../domain/filter.ts';

/** What `GET /tasks` takes in its query. */

const several = <Item extends z.ZodType>(item: Item, shown: object) =>
  z
    .preprocess(
      (value) => (value === undefined || Array.isArray(value) ? value : [value]),
      z.array(item).max(20).optional(),
    )
    .meta({ type: 'array', items: shown, maxItems: 20 });

/** Words of ours, in upper or lower case. */
const severalOf = <const Words extends readonly string[]>(known: Words) =>
  several(
    z.preprocess((word) => {
      const upper = typeof word === 'string' ? word.toUpperCase() : word;
      return upper === 'NORMAL' ? 'MEDIUM' : upper;
    }, z.enum(known)),
    { type: 'string', enum: [...known] },
  );

const ONCE = 'Give it once';
/** A text of a query: given several times it would be a list. */
const once = () => z.string({ error: ({ code }) => (code === 'invalid_type' ? ONCE : undefined) });

/** A number in a query: given once, digits alone. */
export const digits = (min: number, max: number) =>
  once()
    .regex(/^\d{1,9}$/, 'Expected a whole number')
    .transform(Number)
    .pipe(z.int().min(min).max(max))
    .meta({ type: 'integer', minimum: min, maximum: max });

/** A moment, or the beginning of a day in UTC, as ms. */
const moment = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()], 'Expected a time in ISO 8601, such as 2026-01-31T12:00:00Z')
  .transform((text) => Date.parse(text))
  .meta({ type: 'string', format: 'date-time' });

/** The words of a text, all to be found. */
const search = once()
  .min(1)
  .max(200)
  .transform((text) => text.split(/\s+/).filter((word) => word !== ''))
  .pipe(z.array(z.string()).max(10))
  .meta({
    type: 'string',
    minLength: 1,
    maxLength: 200,
    description: 'Words to be found in title, description, id or error',
  });

/** The next_cursor of the page before. Empty: the first page, without the totals that cost a count. */
const cursor = z
  .union([z.literal(''), z.uuid()], 'Use the next_cursor of the page before')
  .transform((id) => id.toLowerCase())
  .meta({
    type: 'string',
    description:
      'The `next_cursor` of the page before; empty for the first page. Costs the same at any depth, and omits the totals',
  });

export const listFilters = z
  .strictObject({
    status: severalOf(STATUSES),
    type: several(z.string().min(1).max(100), { type: 'string' }),
    priority: severalOf(PRIORITIES),
    queue: several(z.enum(QUEUES), { type: 'string', enum: [...QUEUES] }),
    tag: several(z.string().min(1).max(50), { type: 'string' }),
    submitted_after: moment.optional(),
    submitted_before: moment.optional(),
    q: search.optional(),
    page: digits(1, 1_000_000).optional(),
    page_size: digits(1, 100).default(10),
    cursor: cursor.optional(),
  })
  .refine(({ page, cursor: after }) => page === undefined || after === undefined, {
    path: ['cursor'],
    message: 'Give either page or cursor',
  });

/** `params.<path>` and `result.<path>`: names, and places in lists, separated by dots. */
const FIELD = /^(params|result)\.(.+)$/;
// SQLite's JSON paths have no way to write a quote or a backslash.
const SEGMENTS = /^[^"\\.\p{Cc}]{1,100}(\.[^"\\.\p{Cc}]{1,100}){0,9}$/u;
const MAX_FIELDS = 10;

/** The list's query: the filters above, and any number of `params.<path>=value` and `result.<path>=value`. */
export const listQuery = z.unknown().transform((query, context) => {
  const fields: FieldFilter[] = [];
  const rest: [string, unknown][] = [];
  const refuse = (key: string, message: string): void => {
    context.addIssue({ code: 'custom', path: [key], message });
  };
  for (const [key, value] of Object.entries(query as Record<string, unknown>)) {
    const [, column, path = ''] = FIELD.exec(key) ?? [];
    if (column === undefined) rest.push([key, value]);
    else if (typeof value !== 'string') refuse(key, ONCE);
    else if (!SEGMENTS.test(path))
      refuse(key, 'A path is up to 10 names separated by dots, without quotes and backslashes');
    else fields.push({ column: column as FieldFilter['column'], path: path.split('.'), value });
  }
  if (fields.length > MAX_FIELDS) refuse('params', `Give at most ${MAX_FIELDS} of params.… and result.…`);
  const parsed = listFilters.safeParse(Object.fromEntries(rest));
  if (!parsed.success) {
    context.issues.push(...parsed.error.issues.map((issue) => ({ ...issue, input: query }) as z.core.$ZodRawIssue));
    return z.NEVER;
  }
  return { ...parsed.data, fields };
});
