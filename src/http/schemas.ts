import * as z from 'zod';
import { FILE_NAME } from '../domain/file-name.ts';
import { PRIORITIES, STATUSES } from '../domain/task.ts';

/** What callers may send. */

/** Case-insensitive; `normal` is another word for MEDIUM. */
const priority = z.preprocess((value) => {
  const word = typeof value === 'string' ? value.toUpperCase() : value;
  return word === 'NORMAL' ? 'MEDIUM' : word;
}, z.enum(PRIORITIES));

/** A year. */
const MAX_DELAY_SECONDS = 31_536_000;

const title = z.string().max(200);
const description = z.string().max(5_000);

// Not z.record, which drops a key named `__proto__` in silence instead of leaving it to be refused by name.
const parameters = z.custom<Record<string, unknown>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'Invalid input: expected an object',
);

const nativeBody = z.strictObject({
  type: z.string().min(1).max(100),
  params: parameters.default({}),
  title: title.nullish(),
  description: description.nullish(),
  priority: priority.default('MEDIUM'),
  tags: z.array(z.string().min(1).max(50)).max(10).default([]),
  delay_seconds: z.number().min(0).max(MAX_DELAY_SECONDS).optional(),
  scheduled_at: z.iso.datetime({ offset: true }).optional(),
  max_attempts: z.int().min(1).max(25).optional(),
  timeout_seconds: z.number().min(1).max(21_600).optional(),
  callback_url: z.string().min(1).max(2_048).nullish(),
  reuse: z.boolean().default(true),
});

/** `{ "task_name": "test", "duration": 3 }`: a simulate task with that title. */
const namedBody = z
  .strictObject({ task_name: title.min(1), duration: z.number().min(0).max(600).default(1) })
  .transform(({ task_name, duration }) =>
    nativeBody.parse({ type: 'simulate', params: { duration }, title: task_name }),
  );

/** `{ "title": …, "description": …, "priority": … }`: a simulate task of one second. */
const titledBody = z
  .strictObject({ title: title.min(1), description: description.nullish(), priority: priority.default('MEDIUM') })
  .transform((words) => nativeBody.parse({ ...words, type: 'simulate', params: { duration: 1 } }));

/** The native body or one of its short forms, told apart by their fields, so that errors speak of the form that was meant. */
export const taskBody = z.unknown().transform((body, context): z.output<typeof nativeBody> => {
  const fields = typeof body === 'object' && body !== null ? body : {};
  const form =
    'type' in fields ? nativeBody : 'task_name' in fields ? namedBody : 'title' in fields ? titledBody : nativeBody;
  const parsed = form.safeParse(body);
  if (parsed.success) return parsed.data;
  context.issues.push(...parsed.error.issues.map((issue) => ({ ...issue, input: body }) as z.core.$ZodRawIssue));
  return z.NEVER;
});

/** `POST /tasks/broken` and `/tasks/retry`: words for a task whose type is known. */
const words = { title: title.nullish(), description: description.nullish(), priority: priority.default('MEDIUM') };
export const brokenBody = z.strictObject(words);
export const retryBody = z.strictObject({ ...words, failures: z.int().min(0).max(10).default(2) });

export const editBody = z
  .strictObject({ title: title.nullish(), description: description.nullish(), priority: priority.optional() })
  .refine(
    (change) => Object.values(change).some((value) => value !== undefined),
    'Give at least one of title, description and priority',
  );

export const runTaskBody = z.strictObject({
  task_name: z.string().min(1).max(100),
  task_parameters: parameters.default({}),
});

const several = <Item extends z.ZodType>(item: Item) =>
  z.preprocess(
    (value) => (value === undefined || Array.isArray(value) ? value : [value]),
    z.array(item).max(20).optional(),
  );

/** A number in a query: given once, digits alone. */
const digits = (min: number, max: number) =>
  z.string('Give it once').regex(/^\d{1,9}$/, 'Expected a whole number').transform(Number).pipe(z.int().min(min).max(max)); // prettier-ignore

export const listQuery = z
  .strictObject({
    status: several(z.preprocess((word) => (typeof word === 'string' ? word.toUpperCase() : word), z.enum(STATUSES))),
    type: several(z.string().min(1).max(100)),
    page: digits(1, 1_000_000).optional(),
    page_size: digits(1, 100).default(10),
    cursor: z.uuid('Use the next_cursor of the page before').optional(),
  })
  .refine(({ page, cursor }) => page === undefined || cursor === undefined, {
    path: ['cursor'],
    message: 'Give either page or cursor',
  });

/** `GET /files`: the cursor is the last name of the page before. */
export const filesQuery = z.strictObject({
  page_size: digits(1, 1_000).default(100),
  cursor: z.string().regex(FILE_NAME, 'Use the next_cursor of the page before').optional(),
});

export const outputQuery = z.strictObject({ task_uuid: z.uuid() });
