import type { MiddlewareHandler } from 'hono';
import { resolver, uniqueSymbol } from 'hono-openapi';
import type * as z from 'zod';
import type { ErrorCode } from '../../domain/errors.ts';
import type { AppEnv } from '../context.ts';

export type Tag =
  | 'Tasks'
  | 'Schedules'
  | 'Limits'
  | 'Flows'
  | 'Live'
  | 'Types and queues'
  | 'Workers'
  | 'Files'
  | 'Operations'
  | 'Older APIs';

/** An answer of a route: a schema of JSON, a media type of anything else, or null for no body. */
interface Answer {
  description: string;
  body: z.ZodType | string | null;
  headers?: Record<string, string>;
}

/** A route's own documentation. Its scope, rate, body and query document themselves. */
export interface RouteDocs {
  id: string;
  tag: Tag;
  summary: string;
  description?: string;
  answers: Record<number, Answer>;
  /** Refusals besides those that follow from scope, rate, body and query. */
  errors?: readonly ErrorCode[];
  /** Request headers that mean something here. */
  headers?: Record<string, string>;
  /** Path parameters that are more than a text. */
  params?: Record<string, { description: string; format?: string }>;
  /** The media type of a body that is not JSON. */
  upload?: string;
  /** Examples of the body, by name. */
  examples?: Record<string, unknown>;
  /** Never reads the database. */
  isStatic?: true;
}

/**
 * Extensions that our middleware adds to an operation; openapi/document.ts makes responses of them.
 */
export interface Extensions {
  'x-problems'?: readonly ErrorCode[];
  'x-scope'?: string;
  'x-examples'?: Record<string, unknown>;
}

/** Attaches to a middleware what it contributes to the operation of its route. */
export const describeWith = <Handler extends MiddlewareHandler<AppEnv>>(
  handler: Handler,
  spec: Extensions & Record<string, unknown>,
): Handler => Object.assign(handler, { [uniqueSymbol]: { spec } });

/** A zod schema for the document; those with an id become components. */
export const toSchema = (schema: z.ZodType, io: 'input' | 'output') =>
  resolver(schema, { options: { io, unrepresentable: 'any' } });

const toHeaders = (headers: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(headers).map(([name, description]) => [
      name,
      { description, schema: { type: 'string' as const } },
    ]),
  );

const toContent = (body: Answer['body']) => {
  if (body === null) return {};
  if (typeof body === 'string')
    return { content: { [body]: { schema: { type: 'string' as const } } } };
  return { content: { 'application/json': { schema: toSchema(body, 'output') } } };
};

/** Documents a route: the first of its handlers. A test finds routes without it. */
export const docs = ({ isStatic, ...route }: RouteDocs): MiddlewareHandler<AppEnv> => {
  const responses = Object.entries(route.answers).map(
    ([status, { description, body, headers }]) => [
      status,
      {
        description,
        headers: toHeaders({ 'X-Request-Id': 'Names this request in the log', ...headers }),
        ...toContent(body),
      },
    ],
  );
  const inPath = Object.entries(route.params ?? {}).map(([name, { description, format }]) => ({
    name,
    in: 'path' as const,
    required: true,
    description,
    schema: { type: 'string' as const, ...(format && { format }) },
  }));
  const inHeader = Object.entries(route.headers ?? {}).map(([name, description]) => ({
    name,
    in: 'header' as const,
    required: false,
    description,
    schema: { type: 'string' as const },
  }));
  return describeWith((_c, next) => next(), {
    operationId: route.id,
    tags: [route.tag],
    summary: route.summary,
    ...(route.description !== undefined && { description: route.description }),
    parameters: [...inPath, ...inHeader],
    responses: Object.fromEntries(responses),
    ...(route.upload && {
      requestBody: {
        required: true,
        content: { [route.upload]: { schema: { type: 'string', format: 'binary' } } },
      },
    }),
    'x-problems': [...(isStatic ? [] : ['database_unavailable' as const]), ...(route.errors ?? [])],
    ...(route.examples && { 'x-examples': route.examples }),
  });
};
