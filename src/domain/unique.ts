import * as z from 'zod';
import { hashCanonical } from './canonical.ts';

// A task that no other may be beside, for as long as it is unfinished, or for a time.

/** A year. */
const MAX_SECONDS = 31_536_000;

/** `unique` of a submit. */
export const taskUnique = z
  .strictObject({
    key: z.string().min(1).max(200).optional().meta({
      description: 'Unset: the type and the parameters',
    }),
    while: z
      .union([z.literal('unfinished'), z.number().min(0.001).max(MAX_SECONDS)])
      .default('unfinished')
      .meta({ description: '`unfinished`, or seconds after the submit' }),
    on_conflict: z
      .enum(['return', 'refuse', 'replace'])
      .default('return')
      .meta({
        description:
          'Where another task has the key: `return` that task, `refuse` this one (409 `duplicate`), or ' +
          '`replace` what that one is to do, unless it has begun',
      }),
    at_most_seconds: z
      .number()
      .min(0)
      .max(MAX_SECONDS)
      .optional()
      .meta({
        description:
          'With `replace` and `delay_seconds`: so long after the first submit it begins, however often it is ' +
          'replaced',
      }),
  })
  .refine(
    ({ at_most_seconds: atMost, on_conflict: conflict }) =>
      atMost === undefined || conflict === 'replace',
    { path: ['at_most_seconds'], message: 'It goes with `on_conflict: "replace"` alone' },
  )
  .meta({ id: 'TaskUnique' });
export type TaskUnique = z.output<typeof taskUnique>;

/** What no other task may have, as the table has it. */
export const toUniqueKey = async (
  { key }: TaskUnique,
  type: string,
  params: unknown,
): Promise<string> =>
  key === undefined ? `hash:${await hashCanonical([type, params])}` : `key:${key.toWellFormed()}`;
