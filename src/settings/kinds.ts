import * as z from 'zod';
import { parseRetentionRule } from '../domain/retention.ts';

// The kinds of settings that more than one of them, or a long one, is.

/** Set to nothing means not set. */
export const optional = () =>
  z
    .string()
    .optional()
    .transform((text) => text || undefined);

export const httpUrl = () =>
  z.url({ protocol: /^https?$/, message: 'Expected an http or https URL' });

/** Words separated by commas. */
export const words = (initial: string, word: z.ZodType<string, string>) =>
  z
    .string()
    .default(initial)
    .transform((text) =>
      text
        .split(',')
        .map((each) => each.trim())
        .filter((each) => each !== ''),
    )
    .pipe(z.array(word));

export const flag = (initial: boolean) =>
  z
    .enum(['true', 'false'])
    .default(initial ? 'true' : 'false')
    .transform((word) => word === 'true');

/** How long tasks are kept, by type and status. */
export const retentionRules = () =>
  z
    .string()
    .default('')
    .transform((text, context) =>
      text
        .split(',')
        .map((each) => each.trim())
        .filter((each) => each !== '')
        .flatMap((each) => {
          const rule = parseRetentionRule(each);
          if (rule) return [rule];
          const message = `"${each}" is no retention: write FAILED=90, sum=1 or sum.FAILED=7, in days`;
          context.addIssue({ code: 'custom', message });
          return [];
        }),
    );
