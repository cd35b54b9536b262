import * as z from 'zod';
import type { limitsTable } from '../schema/limits.ts';
import type { FieldError } from './errors.ts';
import { isObject } from './json.ts';

// How many tasks run at once under a key of their owner, and how fast they begin.

/** The row as stored. Times are ms. */
export type Limit = Omit<typeof limitsTable.$inferSelect, 'picked'>;

/** Limits of one owner; their sub-keys are not counted. */
export const MAX_LIMITS = 1_000;
/** Tasks that one call admits under a key, and that run at once under any. */
export const MAX_RUNNING = 1_000;
/** Tasks that a rate lets begin come together in slices of this length. */
export const SLICE_MS = 250;

/** As keys stand in URLs and logs. */
export const limitKey = z
  .string()
  .regex(
    /^(?!\.{1,2}$)[\w.:@-]{1,100}$/,
    'A key has letters, digits and any of _ . : @ -, 100 at most',
  );
const MAX_SUB_KEY = 200;
const subKey = z.string().max(MAX_SUB_KEY);

const maxRunning = z.int().min(1).max(MAX_RUNNING).meta({ description: 'Tasks that run at once' });
const rate = z
  .strictObject({
    count: z.int().min(1).max(1_000_000),
    per_seconds: z.number().min(0.001).max(2_678_400).default(1),
    burst: z
      .int()
      .min(1)
      .max(1_000_000)
      .optional()
      .meta({
        description:
          'Tasks that may begin together after a while without any; unset: 1. Evenly spaced otherwise, ' +
          'in slices of 250 ms',
      }),
  })
  .meta({ id: 'Rate', description: '`count` tasks begin in `per_seconds`' });
const sub = z
  .strictObject({ max_running: maxRunning.optional(), rate: rate.optional() })
  .meta({ description: 'For each sub-key, within the numbers of the key' });

/** `PUT /limits/{key}`: what is left out is not limited. */
export const limitForm = z
  .strictObject({ max_running: maxRunning.optional(), rate: rate.optional(), sub: sub.optional() })
  .meta({ id: 'LimitNumbers' });
export type LimitForm = z.output<typeof limitForm>;

const fields = {
  key: limitKey.optional().meta({ description: 'Unset: the type' }),
  max_running: maxRunning.optional(),
  rate: rate.optional(),
  sub: sub.optional(),
};

/** The limit of one task: its numbers make a limit that is not there, and change none. */
export const taskLimit = z
  .strictObject({
    ...fields,
    sub_key: subKey.optional().meta({
      description: 'Whose share it is, such as a tenant: sub-keys take turns',
    }),
  })
  .meta({ id: 'TaskLimit' });
export type TaskLimit = z.output<typeof taskLimit>;

/** The same in a type, for all of its tasks. */
export const typeLimit = z
  .strictObject({
    ...fields,
    sub_key: subKey.optional().meta({
      description: 'Such as `params.customer`: the value that the parameters have there',
    }),
  })
  .meta({ id: 'TypeLimit' });

/** What a limit allows, as the table has it. */
export type LimitNumbers = Pick<
  Limit,
  | 'max_running'
  | 'rate_count'
  | 'rate_ms'
  | 'rate_burst'
  | 'sub_max_running'
  | 'sub_rate_count'
  | 'sub_rate_ms'
  | 'sub_rate_burst'
>;

const toRateColumns = (given: LimitForm['rate']) => ({
  count: given?.count ?? null,
  ms: given === undefined ? null : Math.round(given.per_seconds * 1_000),
  burst: given?.burst ?? null,
});

export const toLimitNumbers = ({
  max_running,
  rate: given,
  sub: each,
}: LimitForm): LimitNumbers => {
  const [own, ofSub] = [toRateColumns(given), toRateColumns(each?.rate)];
  return {
    max_running: max_running ?? null,
    rate_count: own.count,
    rate_ms: own.ms,
    rate_burst: own.burst,
    sub_max_running: each?.max_running ?? null,
    sub_rate_count: ofSub.count,
    sub_rate_ms: ofSub.ms,
    sub_rate_burst: ofSub.burst,
  };
};

/** The limit of a task, and the numbers with which it is made where it is not there. */
export interface ResolvedLimit {
  key: string;
  subKey: string;
  numbers: LimitNumbers;
}

const PATH = 'params.';

/** The value at a path of the parameters, as text; '' where there is none. */
const readPath = (path: string, params: unknown): string => {
  let value: unknown = params;
  for (const name of path.slice(PATH.length).split('.'))
    value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  return ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : '';
};

/**
 * The limit that a task runs under, by its type and its submit; null where neither names one.
 * @returns what is wrong with it instead, where it cannot be
 */
export const resolveLimit = (
  type: string,
  ofType: TaskLimit | undefined,
  given: TaskLimit | undefined,
  params: unknown,
): ResolvedLimit | FieldError | null => {
  if (!ofType && !given) return null;
  const typeKey = ofType?.key ?? type;
  const key = given?.key ?? typeKey;
  const { sub_key: path } = ofType ?? {};
  const found = path?.startsWith(PATH) ? readPath(path, params) : (path ?? '');
  const name = given?.sub_key ?? found;
  if (name.length > MAX_SUB_KEY)
    return {
      in: 'body',
      path: path ?? 'limit.sub_key',
      code: 'too_big',
      message: `It is the sub-key of the limit "${key}", which has ${MAX_SUB_KEY} characters at most`,
    };
  // Numbers of the type are those of its own key.
  const numbers = key === typeKey ? { ...ofType, ...given } : { ...given };
  // A lone surrogate has no UTF-8.
  return { key, subKey: name.toWellFormed(), numbers: toLimitNumbers(numbers) };
};
