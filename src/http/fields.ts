import * as z from 'zod';
import { singleText } from '../domain/filter-schema.ts';
import { isObject } from '../domain/json.ts';
import { PRIORITIES } from '../domain/words.ts';

// Pieces of schemas that more than one noun needs.

/** A moment in answers. */
export const time = z.iso.datetime().meta({ description: 'ISO 8601, UTC, with milliseconds' });
export const timeOrNull = time.nullable();
export const anyJson = z.unknown().meta({ description: 'Any JSON' });
/** A count. */
export const whole = z.int().min(0);
export const nextCursor = z
  .string()
  .nullable()
  .meta({ description: 'Give it as `cursor` for the next page; null at the end' });

/** A moment of the tables, in ms, as answers have it. */
export const toIso = (ms: number): string => new Date(ms).toISOString();
export const toIsoOrNull = (ms: number | null): string | null => (ms === null ? null : toIso(ms));

/** A number in a query: given once, digits alone. */
export const digits = (min: number, max: number) =>
  singleText()
    .regex(/^\d{1,9}$/, 'Expected a whole number')
    .transform(Number)
    .pipe(z.int().min(min).max(max))
    .meta({ type: 'integer', minimum: min, maximum: max });

/** Case-insensitive; `normal` is another word for MEDIUM. */
export const priority = z
  .preprocess((value) => {
    const word = typeof value === 'string' ? value.toUpperCase() : value;
    return word === 'NORMAL' ? 'MEDIUM' : word;
  }, z.enum(PRIORITIES))
  .meta({
    type: 'string',
    enum: [...PRIORITIES, 'high', 'medium', 'normal', 'low'],
    description: '`normal` means MEDIUM; upper or lower case',
  });

export const typeName = z
  .string()
  .min(1)
  .max(100)
  .meta({ description: 'A task type or one of its aliases, see `GET /task-types`' });

/**
 * Parameters of a task. Not z.record, which drops a key named `__proto__` in silence instead of
 * leaving it to be refused by name.
 */
export const parameters = z
  .custom<Record<string, unknown>>(isObject, 'The parameters must be an object')
  .meta({
    type: 'object',
    additionalProperties: true,
    description: "What the type's own schema takes",
  });
