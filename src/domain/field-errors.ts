import * as z from 'zod';
import { AppError, type FieldError } from './errors.ts';

export type Place = FieldError['in'];

/** Errors that one answer names; the rest is counted. */
const MAX_NAMED = 100;

const NOUNS: Record<string, string> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  null: 'null',
  number: 'a number',
  object: 'an object',
  record: 'an object',
  string: 'a text',
};
const toNoun = (word: string): string => NOUNS[word] ?? word;

/** Longest part of a caller's text that is said back. */
const MAX_SHOWN = 100;
const quote = (text: string): string =>
  `\`${text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN - 1)}…` : text}\``.toWellFormed();

/** What a bound counts: letters of a text, items of a list, or nothing where it is the number. */
const toUnit = (origin: unknown, n: unknown): string => {
  const isOne = Number(n) === 1;
  if (origin === 'string') return isOne ? ' character long' : ' characters long';
  if (origin === 'array' || origin === 'set') return isOne ? ' item long' : ' items long';
  return '';
};

/** Whether the only fault of a text or a list is that it has nothing in it. */
const isEmptyRefused = ({ origin, minimum }: z.core.$ZodRawIssue): boolean =>
  Number(minimum) === 1 && ['string', 'array'].includes(String(origin));

/** What is wrong with a value, as a sentence whose subject is the field's name. */
const describeIssue = (issue: z.core.$ZodRawIssue): string | undefined => {
  const path = issue.path ?? [];
  const name = path.length > 0 ? quote(path.map(String).join('.')) : 'This';
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? `${name} is missing`
        : `${name} must be ${toNoun(String(issue['expected']))}`;
    case 'too_big':
      return `${name} is at most ${String(issue['maximum'])}${toUnit(issue['origin'], issue['maximum'])}`;
    case 'too_small':
      return issue['inclusive'] === false
        ? `${name} must be greater than ${String(issue['minimum'])}`
        : isEmptyRefused(issue)
          ? `${name} must not be empty`
          : `${name} is at least ${String(issue['minimum'])}${toUnit(issue['origin'], issue['minimum'])}`;
    case 'invalid_value':
      return issue.input === undefined
        ? `${name} is missing`
        : `${name} must be one of ${(issue['values'] as unknown[]).map((value) => quote(String(value))).join(', ')}`;
    case 'unrecognized_keys':
      return `There is no field ${issue['keys'].slice(0, 5).map(quote).join(', ')}`;
    case 'invalid_format':
      return FORMATS[String(issue['format'])]?.(name);
    case 'invalid_union':
      return issue.input === undefined
        ? `${name} is missing`
        : `${name} ${describeUnion(issue['errors'] as z.core.$ZodIssue[][])}`;
    default:
      return undefined;
  }
};

/** What any of several forms would take, as far as it can be said in a word. */
const describeUnion = (errors: readonly (readonly z.core.$ZodIssue[])[]): string => {
  const nouns = new Set(
    errors.flatMap((issues) =>
      issues.flatMap((issue) => (issue.code === 'invalid_type' ? [toNoun(issue.expected)] : [])),
    ),
  );
  return nouns.size > 0 ? `must be ${[...nouns].join(' or ')}` : 'is none of those that are known';
};

const FORMATS: Record<string, (name: string) => string> = {
  datetime: (name) => `${name} must be a time in ISO 8601, such as 2026-01-31T12:00:00Z`,
  email: (name) => `${name} must be an e-mail address`,
  url: (name) => `${name} must be a URL`,
  uuid: (name) => `${name} must be a UUID`,
};

// Every schema of the service speaks in sentences; those that have their own message keep it.
z.config({ customError: describeIssue });

/** Zod's findings as the contract's field errors; each unknown field is named on its own. */
export const toFieldErrors = (
  error: z.ZodError,
  place: Place,
  prefix: readonly PropertyKey[] = [],
): FieldError[] =>
  error.issues.flatMap((issue) => {
    const toPath = (...more: PropertyKey[]): string =>
      [...prefix, ...issue.path, ...more].map(String).join('.');
    if (issue.code !== 'unrecognized_keys') {
      // A parameter of a URL that may be repeated is named as it was typed.
      const isRepeatable = place === 'query' && typeof issue.path.at(-1) === 'number';
      const path = isRepeatable ? issue.path.slice(0, -1).map(String).join('.') : toPath();
      const message = issue.message.replace(quote(toPath()), quote(path));
      return [{ in: place, path, code: issue.code, message }];
    }
    return issue.keys.slice(0, MAX_NAMED).map((key) => ({
      in: place,
      path: toPath(key),
      code: 'unknown_field',
      message: `There is no field ${quote(key)}`,
    }));
  });

/** A path is said back as far as it helps. */
const shorten = ({ path, message, ...error }: FieldError): FieldError => ({
  ...error,
  path: path.slice(0, 4 * MAX_SHOWN).toWellFormed(),
  message: message.slice(0, 1_000).toWellFormed(),
});

/** Refuses with 422; every field is named, of very many the first ones. */
export const refuseFields = (errors: FieldError[]): never => {
  const named = errors.slice(0, MAX_NAMED).map(shorten);
  const [first] = named;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  const item = /^tasks\.\d+/.exec(first?.path ?? '')?.[0];
  const message = first
    ? `${item === undefined ? '' : `${item}: `}${first.message}${more}`
    : 'Invalid request';
  throw new AppError('invalid_request', message, { errors: named });
};
