import type { MiddlewareHandler } from 'hono';
import type * as z from 'zod';
import { AppError, type FieldError } from '../domain/errors.ts';
import { readJson } from './body.ts';
import type { AppEnv } from './context.ts';
import { withSchemas } from './openapi/operation.ts';

type Place = FieldError['in'];

/** Zod's findings as the contract's; each unknown field is named on its own. */
export const fieldErrors = (
  error: z.ZodError,
  place: Place,
  prefix: readonly PropertyKey[] = [],
): FieldError[] =>
  error.issues.flatMap((issue) => {
    const at = (...more: PropertyKey[]): string =>
      [...prefix, ...issue.path, ...more].map(String).join('.');
    if (issue.code !== 'unrecognized_keys')
      return [{ in: place, path: at(), code: issue.code, message: issue.message }];
    return issue.keys.map((key) => ({
      in: place,
      path: at(key),
      code: 'unknown_field',
      message: `Unknown field "${key.slice(0, 100)}"`,
    }));
  });

/** Refuses with 422, every field named, what the schema refuses. */
export const refuse = (errors: FieldError[]): never => {
  const [first] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  throw new AppError(
    'invalid_request',
    first ? `${first.path || 'The body'}: ${first.message}${more}` : 'Invalid request',
    { errors },
  );
};

const parse = <Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  place: Place,
  prefix: readonly PropertyKey[] = [],
): z.output<Schema> => {
  const parsed = schema.safeParse(value);
  return parsed.success ? parsed.data : refuse(fieldErrors(parsed.error, place, prefix));
};

/**
 * Reads and validates the JSON body; `c.req.valid('json')` has it. An optional one may be left out: then it is `{}`.
 * `forms`: the schemas to be documented, where `schema` chooses among several.
 */
export const jsonBody = <Schema extends z.ZodType>(
  schema: Schema,
  {
    optional = false,
    maxBytes,
    forms,
  }: { optional?: boolean; maxBytes?: number; forms?: readonly z.ZodType[] } = {},
): MiddlewareHandler<
  AppEnv,
  string,
  { in: { json: z.input<Schema> }; out: { json: z.output<Schema> } }
> =>
  withSchemas(
    async (c, next) => {
      const body = await readJson(c.req.raw, {
        optional,
        ...(maxBytes !== undefined && { maxBytes }),
      });
      c.req.addValidatedData('json', parse(schema, body, 'body') as object);
      await next();
    },
    { body: forms ?? schema, isOptional: optional },
  );

/**
 * Validates the query; a name given once is a text, given several times a list. `c.req.valid('query')` has it.
 * `shape`: the schema to be documented, where `schema` takes more than an object can say.
 */
export const query = <Schema extends z.ZodType>(
  schema: Schema,
  shape?: z.ZodObject,
): MiddlewareHandler<
  AppEnv,
  string,
  { in: { query: z.input<Schema> }; out: { query: z.output<Schema> } }
> =>
  withSchemas(
    async (c, next) => {
      const asked = new URL(c.req.url).searchParams;
      const given = [...new Set(asked.keys())].map((name) => {
        const values = asked.getAll(name);
        return [name, values.length === 1 ? values[0] : values];
      });
      c.req.addValidatedData('query', parse(schema, Object.fromEntries(given), 'query') as object);
      await next();
    },
    { query: shape ?? (schema as unknown as z.ZodObject) },
  );
