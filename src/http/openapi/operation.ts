import type { MiddlewareHandler } from 'hono';
import type * as z from 'zod';
import type { ErrorCode } from '../../domain/errors.ts';
import { admit, type Access } from '../access.ts';
import type { AppEnv } from '../context.ts';
import { limitRate } from '../rate-limit.ts';

/** What a route says of itself, for the OpenAPI document. */
export interface Operation {
  id: string;
  tag: 'Tasks' | 'Live' | 'Types and queues' | 'Files' | 'Around it' | 'Older APIs';
  summary: string;
  /** What it asks of its callers: a scope, or nothing. */
  access: Access;
  description?: string;
  /** Answers by status: a schema of JSON, a media type of anything else, or null for no body. */
  answers: Record<
    number,
    { description: string; body: z.ZodType | string | null; headers?: Record<string, string> }
  >;
  /** Refusals besides those that follow from the body, the query and the database. */
  errors?: readonly ErrorCode[];
  /** Request headers that mean something here. */
  headers?: Record<string, string>;
  /** A body that is no JSON. */
  upload?: string;
  /** Examples of the body, by name. */
  examples?: Record<string, unknown>;
  /** Never asks the database. */
  isStatic?: true;
}

/** What the validating middleware knows of the request. */
export interface RequestSchemas {
  body?: z.ZodType | readonly z.ZodType[];
  isOptional?: boolean;
  query?: z.ZodObject;
}

const OPERATION = Symbol('operation');
const REQUEST = Symbol('request');

/** Documents a route, and lets in who may call it: the first of its handlers. A test finds routes without it. */
export const describe = (operation: Operation): MiddlewareHandler<AppEnv> =>
  Object.assign(
    (async (c, next) => {
      await admit(c, operation.access);
      if (operation.access !== 'open' && c.req.method !== 'GET' && c.req.method !== 'HEAD')
        await limitRate(c, 'writes');
      await next();
    }) satisfies MiddlewareHandler<AppEnv>,
    { [OPERATION]: operation },
  );

/** Remembers, on the middleware that validates with them, which schemas it uses. */
export const withSchemas = <Handler extends object>(
  handler: Handler,
  schemas: RequestSchemas,
): Handler => Object.assign(handler, { [REQUEST]: schemas });

export const operationOf = (handler: object): Operation | undefined =>
  (handler as { [OPERATION]?: Operation })[OPERATION];
export const schemasOf = (handler: object): RequestSchemas | undefined =>
  (handler as { [REQUEST]?: RequestSchemas })[REQUEST];
