import type * as z from 'zod';
import { AppError, type FieldError } from './errors.ts';

export type Place = FieldError['in'];

/** Zod's findings as the contract's field errors; each unknown field is named on its own. */
export const toFieldErrors = (
  error: z.ZodError,
  place: Place,
  prefix: readonly PropertyKey[] = [],
): FieldError[] =>
  error.issues.flatMap((issue) => {
    const toPath = (...more: PropertyKey[]): string =>
      [...prefix, ...issue.path, ...more].map(String).join('.');
    if (issue.code !== 'unrecognized_keys')
      return [{ in: place, path: toPath(), code: issue.code, message: issue.message }];
    return issue.keys.map((key) => ({
      in: place,
      path: toPath(key),
      code: 'unknown_field',
      message: `Unknown field "${key.slice(0, 100)}"`,
    }));
  });

/** Refuses with 422; every field is named. */
export const refuseFields = (errors: FieldError[]): never => {
  const [first] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  const message = first
    ? `${first.path || 'The body'}: ${first.message}${more}`
    : 'Invalid request';
  throw new AppError('invalid_request', message, { errors });
};
