import * as z from 'zod';
import { SCOPES } from '../domain/api-key.ts';
import { FILE_NAME } from '../domain/file-name.ts';
import { PRIORITIES, type Priority } from '../domain/task.ts';
import { bulkAction, findHandler } from '../handlers/catalog.ts';
import { digits } from './list-query.ts';

/** What callers may send. The OpenAPI document is generated from these, with what `meta` adds for it. */

/** Case-insensitive; `normal` is another word for MEDIUM. */
const priority = z
  .preprocess((value) => {
    const word = typeof value === 'string' ? value.toUpperCase() : value;
    return word === 'NORMAL' ? 'MEDIUM' : word;
  }, z.enum(PRIORITIES))
  .meta({
    type: 'string',
    enum: [...PRIORITIES, 'high', 'medium', 'normal', 'low'],
    description: '`normal` means MEDIUM; upper or lower case',
  });

/** A year. */
const MAX_DELAY_SECONDS = 31_536_000;
/** Tasks of one bulk submit. */
const MAX_BULK = 1_000;

const title = z.string().max(200);
const description = z.string().max(5_000);
const typeName = z
  .string()
  .min(1)
  .max(100)
  .meta({ description: 'A task type or one of its aliases, see `GET /task-types`' });

// Not z.record, which drops a key named `__proto__` in silence instead of leaving it to be refused by name.
const parameters = z
  .custom<Record<string, unknown>>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'Invalid input: expected an object',
  )
  .meta({
    type: 'object',
    additionalProperties: true,
    description: "What the type's own schema takes",
  });

export const nativeBody = z
  .strictObject({
    type: typeName,
    params: parameters.default({}),
    title: title.nullish(),
    description: description.nullish(),
    priority: priority.default('MEDIUM'),
    tags: z.array(z.string().min(1).max(50)).max(10).default([]),
    delay_seconds: z.number().min(0).max(MAX_DELAY_SECONDS).optional(),
    scheduled_at: z.iso.datetime({ offset: true }).optional(),
    max_attempts: z.int().min(1).max(25).optional(),
    timeout_seconds: z.number().min(1).max(21_600).optional(),
    callback_url: z
      .string()
      .min(1)
      .max(2_048)
      .nullish()
      .meta({ description: 'Public https; told of the end of the task' }),
    reuse: z
      .boolean()
      .default(true)
      .meta({ description: 'false: run it, whatever output is there already' }),
  })
  .meta({ id: 'NewTask' });

/** A submit, as the native API takes it. */
export type NewTask = Omit<z.input<typeof nativeBody>, 'priority' | 'params'> & {
  priority?: Priority | Lowercase<Priority> | 'normal';
  params?: object;
};

/** `{ "task_name": "test", "duration": 3 }`: a simulate task with that title. */
const namedBody = z
  .strictObject({ task_name: title.min(1), duration: z.number().min(0).max(600).default(1) })
  .transform(({ task_name, duration }) =>
    nativeBody.parse({ type: 'simulate', params: { duration }, title: task_name }),
  );

/** `{ "title": …, "description": …, "priority": … }`: a simulate task of one second. */
const titledBody = z
  .strictObject({
    title: title.min(1),
    description: description.nullish(),
    priority: priority.default('MEDIUM'),
  })
  .transform((words) => nativeBody.parse({ ...words, type: 'simulate', params: { duration: 1 } }));

/** The forms of a submit, told apart by their fields, so that errors speak of the form that was meant. */
export const taskForms = [nativeBody, namedBody, titledBody] as const;

/** The native body or one of its short forms. */
export const taskBody = z.unknown().transform((body, context): z.output<typeof nativeBody> => {
  const fields = typeof body === 'object' && body !== null ? body : {};
  const form =
    'type' in fields
      ? nativeBody
      : 'task_name' in fields
        ? namedBody
        : 'title' in fields
          ? titledBody
          : nativeBody;
  const parsed = form.safeParse(body);
  if (parsed.success) return parsed.data;
  const issues =
    form === nativeBody ? [...parsed.error.issues, ...paramsIssues(fields)] : parsed.error.issues;
  context.issues.push(...issues.map((issue) => ({ ...issue, input: body }) as z.core.$ZodRawIssue));
  return z.NEVER;
});

/** What is wrong with the parameters of a submit that is refused anyway, so that everything is named at once. */
const paramsIssues = ({
  type,
  params,
}: {
  type?: unknown;
  params?: unknown;
}): z.core.$ZodIssue[] => {
  const handler = typeof type === 'string' ? findHandler(type) : undefined;
  // What is no object at all has been named already.
  if (!parameters.safeParse(params ?? {}).success) return [];
  const { error } = handler?.params.safeParse(params ?? {}) ?? {};
  return (error?.issues ?? []).map((issue) => ({ ...issue, path: ['params', ...issue.path] }));
};

/** Checked item by item, so that every one that is wrong is named. */
export const bulkItems = z.strictObject({ tasks: z.array(z.unknown()).min(1).max(MAX_BULK) });
export const bulkItem = z.unknown().transform((item, context): z.output<typeof nativeBody> => {
  const parsed = nativeBody.safeParse(item);
  if (parsed.success) return parsed.data;
  const fields = typeof item === 'object' && item !== null ? item : {};
  context.issues.push(
    ...[...parsed.error.issues, ...paramsIssues(fields)].map(
      (issue) => ({ ...issue, input: item }) as z.core.$ZodRawIssue,
    ),
  );
  return z.NEVER;
});

/** As it is documented. */
export const bulkBody = z.strictObject({ tasks: z.array(nativeBody).min(1).max(MAX_BULK) });

/** `POST /tasks/broken` and `/tasks/retry`: words for a task whose type is known. */
const words = {
  title: title.nullish(),
  description: description.nullish(),
  priority: priority.default('MEDIUM'),
};
export const brokenBody = z.strictObject(words);
export const retryBody = z.strictObject({ ...words, failures: z.int().min(0).max(10).default(2) });

/** `POST /tasks/actions`: parameters of a `bulk_action`. */
export const actionBody = bulkAction.params as z.ZodType<{
  action: string;
  filter: Record<string, unknown>;
}>;

export const editBody = z
  .strictObject({
    title: title.nullish(),
    description: description.nullish(),
    priority: priority.optional(),
  })
  .refine(
    (change) => Object.values(change).some((value) => value !== undefined),
    'Give at least one of title, description and priority',
  )
  .meta({ minProperties: 1 });

export const runTaskBody = z.strictObject({
  task_name: typeName,
  task_parameters: parameters.default({}),
});

export const apiTaskBody = z.strictObject({
  task_type: typeName,
  priority: z.enum(['high', 'normal', 'low']).default('normal'),
  parameters: parameters.default({}),
});

/** `POST /keys`: a new key, or one in the place of another. */
export const keyBody = z
  .strictObject({
    owner: z
      .string()
      .regex(/^[\w.@:-]{1,100}$/, 'Letters, digits and . _ @ : -, 1 to 100 of them')
      .optional(),
    name: z.string().min(1).max(100).optional(),
    scopes: z.array(z.enum(SCOPES)).min(1).max(SCOPES.length).optional(),
    expires_in_days: z.number().gt(0).max(3_650).optional(),
    replaces: z
      .uuid()
      .optional()
      .meta({ description: 'The id of a key that this one takes the place of' }),
    grace_seconds: z
      .int()
      .min(0)
      .max(2_592_000)
      .default(86_400)
      .meta({ description: 'How long the replaced key goes on' }),
  })
  .superRefine(({ owner, name, scopes, replaces }, context) => {
    const refuse = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (replaces !== undefined && owner !== undefined)
      refuse('owner', 'A key that replaces another one has its owner');
    if (replaces !== undefined) return;
    if (owner === undefined) refuse('owner', 'Say for whom the key speaks');
    if (name === undefined) refuse('name', 'Give it a name to tell it by');
    if (scopes === undefined) refuse('scopes', `Say what it may do: ${SCOPES.join(', ')}`);
  });

/** `POST /events/ticket`: for one task's stream, or for the whole list's. */
export const ticketBody = z.strictObject({ task_id: z.uuid().optional() });

/** `GET /files`: the cursor is the last name of the page before. */
export const filesQuery = z.strictObject({
  page_size: digits(1, 1_000).default(100),
  cursor: z.string().regex(FILE_NAME, 'Use the next_cursor of the page before').optional(),
});

export const outputQuery = z.strictObject({ task_uuid: z.uuid() });

export const API_STATES = ['PENDING', 'STARTED', 'SUCCESS', 'FAILURE', 'RETRY', 'REVOKED'] as const;
export const API_TYPES = ['active', 'reserved', 'scheduled', 'completed'] as const;
export const apiListQuery = z.strictObject({
  state: z.enum(API_STATES).optional(),
  type: z.enum(API_TYPES).optional(),
});
