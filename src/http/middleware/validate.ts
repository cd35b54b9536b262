import { zValidator } from '@hono/zod-validator';
import type { MiddlewareHandler } from 'hono';
import { uniqueSymbol } from 'hono-openapi';
import * as z from 'zod';
import { refuseFields, toFieldErrors, type Place } from '../../domain/field-errors.ts';
import { PARSED_TIMES } from '../../domain/body.ts';
import type { AppEnv } from '../context.ts';
import { readJson } from '../read-body.ts';
import { describeWith, toSchema } from './docs.ts';

const BODY_ERRORS = [
  'malformed_json',
  'body_too_large',
  'body_too_deep',
  'unsupported_media_type',
  'invalid_request',
] as const;

/** zod-validator's hook: findings are problem details with every field named. */
const refuseFindings =
  (place: Place) =>
  (result: { success: boolean; error?: unknown }): void => {
    if (!result.success) refuseFields(toFieldErrors(result.error as z.ZodError, place));
  };

/** None of our schemas waits for anything. */
const options = {
  validationFunction: <Schema extends z.ZodType>(schema: Schema, value: unknown) =>
    schema.safeParse(value),
};

const withJsonType = (request: Request): Request => {
  const headers = new Headers(request.headers);
  headers.set('Content-Type', 'application/json');
  return new Request(request.url, { method: request.method, headers });
};

/** Refuses every parameter of a query: the route takes none. */
export const noQuery = () => query(z.strictObject({}));

interface JsonOptions {
  /** It may be left out: then it is `{}`. */
  optional?: boolean;
  maxBytes?: number;
  /** The schemas to be documented, where `schema` chooses among several. */
  forms?: readonly z.ZodType[];
}

/**
 * Validates the JSON body; `c.req.valid('json')` has it. The body is read first, by our own reader,
 * which bounds its size and its depth.
 */
export const json = <Schema extends z.ZodType>(
  schema: Schema,
  { optional = false, maxBytes, forms = [schema] }: JsonOptions = {},
): MiddlewareHandler<
  AppEnv,
  string,
  { in: { json: z.input<Schema> }; out: { json: z.output<Schema> } }
> => {
  const validate = zValidator('json', schema, refuseFindings('body'), options as never);
  const [only] = forms;
  const documented = forms.length === 1 && only ? only : null;
  return describeWith(
    async (c, next) => {
      let release = (): void => {};
      const hold = async (bytes: number): Promise<void> => {
        release = await c.get('services').budget.take(bytes * PARSED_TIMES);
      };
      try {
        const body = await readJson(c.req.raw, {
          optional,
          hold,
          ...(maxBytes !== undefined && { maxBytes }),
        });
        c.req.json = <T>() => Promise.resolve(body as T);
        // The validator reads a body only by its type; ours may come without one.
        if (c.req.header('Content-Type') === undefined) c.req.raw = withJsonType(c.req.raw);
        return await validate(c as never, next);
      } finally {
        release();
      }
    },
    {
      requestBody: {
        required: !optional,
        content: {
          'application/json': {
            schema: documented ? toSchema(documented, 'input') : toAnyOf(forms),
          },
        },
      },
      'x-problems': BODY_ERRORS,
    },
  );
};

/** Several schemas as one of which any may be meant, in the form that hono-openapi resolves. */
const toAnyOf = (forms: readonly z.ZodType[]) => ({
  ...toSchema(forms[0] as z.ZodType, 'input'),
  toOpenAPISchema: async () => {
    const resolved = await Promise.all(
      forms.map((form) => toSchema(form, 'input').toOpenAPISchema()),
    );
    const schemas = Object.assign({}, ...resolved.map(({ components }) => components?.schemas));
    return { schema: { anyOf: resolved.map(({ schema }) => schema) }, components: { schemas } };
  },
});

/**
 * Validates the query; a name given once is a text, given several times a list.
 * `c.req.valid('query')` has it.
 * @param shape the schema to be documented, where `schema` takes more than an object can say
 */
export const query = <Schema extends z.ZodType>(
  schema: Schema,
  shape: z.ZodType = schema,
): MiddlewareHandler<
  AppEnv,
  string,
  { in: { query: z.input<Schema> }; out: { query: z.output<Schema> } }
> => {
  const validate = zValidator('query', schema, refuseFindings('query'), options as never);
  const validator = { target: 'query', ...toSchema(shape, 'input') };
  return Object.assign(
    ((c, next) => validate(c as never, next)) satisfies MiddlewareHandler<AppEnv>,
    { [uniqueSymbol]: validator },
  );
};
