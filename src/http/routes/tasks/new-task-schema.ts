import * as z from 'zod';
import { taskLimit } from '../../../domain/limit.ts';
import { isBlank, orNone } from '../../../domain/text.ts';
import { taskUnique } from '../../../domain/unique.ts';
import type { Priority } from '../../../domain/words.ts';
import { catalog } from '../../../handlers/catalog.ts';
import { parameters, priority, typeName } from '../../fields.ts';

// The bodies of a submit: the native form, two short ones, and many at once.

/** A year. */
const MAX_DELAY_SECONDS = 31_536_000;
/** Tasks of one bulk submit. */
const MAX_BULK = 1_000;

const title = z.string().max(200);
/** Blank words count as none. */
const orBlank = (text: z.ZodString) => text.nullish().transform(orNone);
const description = z.string().max(5_000);
/** A title that must say something, for it tells the form. */
const saidTitle = title.refine((text) => !isBlank(text), 'A title must not be blank');
/** ISO 8601 in either case, as RFC 3339 allows. */
const moment = z
  .string()
  .toUpperCase()
  .pipe(z.iso.datetime({ offset: true }));
/** The words of a task whose type is known. */
export const taskWords = {
  title: orBlank(title),
  description: orBlank(description),
  priority: priority.default('MEDIUM'),
};

export const nativeForm = z
  .strictObject({
    type: typeName,
    params: parameters.default({}),
    ...taskWords,
    tags: z
      .array(
        z
          .string()
          .min(1)
          .max(50)
          .refine((tag) => !isBlank(tag), 'A tag must not be blank'),
      )
      .max(10)
      .default([]),
    delay_seconds: z.number().min(0).max(MAX_DELAY_SECONDS).optional(),
    scheduled_at: moment.optional(),
    max_attempts: z.int().min(1).max(25).optional(),
    timeout_seconds: z.number().min(1).max(21_600).optional(),
    callback_url: z
      .string()
      .min(1)
      .max(2_048)
      .nullish()
      .meta({ description: 'Public https; called with the end of the task' }),
    limit: taskLimit.optional().meta({
      description: 'How many of its kind run at once, and how fast they begin',
    }),
    unique: taskUnique.optional().meta({ description: 'What no other task may be beside' }),
    expires_in_seconds: z.number().min(0.001).max(MAX_DELAY_SECONDS).optional().meta({
      description: 'Not begun by then, it is cancelled, with `end_reason` `expired`',
    }),
    reuse: z
      .boolean()
      .default(true)
      .meta({ description: 'false: run it, whatever output is there already' }),
    rerun_of: z
      .uuid()
      .toLowerCase()
      .nullish()
      .meta({ description: 'The task that this one runs again, to link the two' }),
  })
  .meta({ id: 'NewTask' });

/** A submit, as the native API takes it. */
export type NewTask = Omit<z.input<typeof nativeForm>, 'priority' | 'params'> & {
  priority?: Priority | Lowercase<Priority> | 'normal';
  params?: object;
};

/** `{ "task_name": "test", "duration": 3 }`: a simulate task with that title. */
const namedForm = z
  .strictObject({ task_name: saidTitle, duration: z.number().min(0).max(600).default(1) })
  .transform(({ task_name, duration }) =>
    nativeForm.parse({ type: 'simulate', params: { duration }, title: task_name }),
  );

/** `{ "title": …, "description": …, "priority": … }`: a simulate task of one second. */
const titledForm = z
  .strictObject({ ...taskWords, title: saidTitle })
  .transform((words) => nativeForm.parse({ ...words, type: 'simulate', params: { duration: 1 } }));

/**
 * The forms of a submit, told apart by their fields, so that errors speak of the form that was
 * meant.
 */
export const newTaskForms = [nativeForm, namedForm, titledForm] as const;

const toFields = (value: unknown): object =>
  typeof value === 'object' && value !== null ? value : {};

const chooseForm = (fields: object): (typeof newTaskForms)[number] => {
  if ('type' in fields) return nativeForm;
  if ('task_name' in fields) return namedForm;
  return 'title' in fields ? titledForm : nativeForm;
};

/**
 * What is wrong with the parameters of a submit that is refused anyway, so that everything is named
 * at once.
 */
const findParamsIssues = ({
  type,
  params = {},
}: {
  type?: unknown;
  params?: unknown;
}): z.core.$ZodIssue[] => {
  // Built-in types alone: those of an owner are checked when the task is built.
  const handler = typeof type === 'string' ? catalog.find('', type) : undefined;
  // Items that are no objects have been named already.
  if (!parameters.safeParse(params ?? {}).success) return [];
  const { error } = handler?.params.safeParse(params ?? {}) ?? {};
  return (error?.issues ?? []).map((issue) => ({ ...issue, path: ['params', ...issue.path] }));
};

type NativeTask = z.output<typeof nativeForm>;

const parseForm = (
  chooseFormOf: (fields: object) => (typeof newTaskForms)[number],
  body: unknown,
  context: z.core.$RefinementCtx,
): NativeTask => {
  const form = chooseFormOf(toFields(body));
  const parsed = form.safeParse(body);
  if (parsed.success) return parsed.data;
  const more = form === nativeForm ? findParamsIssues(toFields(body)) : [];
  const issues = [...parsed.error.issues, ...more];
  context.issues.push(...issues.map((issue) => ({ ...issue, input: body }) as z.core.$ZodRawIssue));
  return z.NEVER;
};

/** The native form or one of the short ones. */
export const newTask = z
  .unknown()
  .transform((body, context): NativeTask => parseForm(chooseForm, body, context));

/** Many at once. Checked item by item, so that every one that is wrong is named. */
export const newTasks = z.strictObject({ tasks: z.array(z.unknown()).min(1).max(MAX_BULK) });
export const bulkItem = z
  .unknown()
  .transform((item, context): NativeTask => parseForm(() => nativeForm, item, context));

/** `newTasks` as it is documented. */
export const bulkForm = z.strictObject({ tasks: z.array(nativeForm).min(1).max(MAX_BULK) });

/** `PUT` and `PATCH /tasks/{id}`. */
export const taskEdit = z
  .strictObject({
    title: orBlank(title),
    description: orBlank(description),
    priority: priority.optional(),
  })
  .refine(
    (change) => Object.values(change).some((value) => value !== undefined),
    'Give at least one of title, description and priority',
  )
  .meta({ minProperties: 1 });
