import type { RouterRoute } from 'hono/types';
import * as z from 'zod';
import type { ErrorCode } from '../../domain/errors.ts';
import { PROBLEMS } from '../problem.ts';
import { problem } from '../responses.ts';
import { operationOf, schemasOf, type Operation, type RequestSchemas } from './operation.ts';
import packageJson from '../../../package.json' with { type: 'json' };

type Json = Record<string, unknown>;

const TAGS: Record<Operation['tag'], string> = {
  Tasks: 'Submit, read and steer tasks',
  Live: 'Watch tasks as they run',
  'Types and queues': 'What can be submitted, and where it waits',
  Files: 'Inputs and outputs of `file_processing`',
  'Around it': 'The service itself',
  'Older APIs': 'For clients of other task services',
};

/** Everything that one path and method is known for. */
interface Documented {
  path: string;
  method: string;
  operation: Operation;
  request: RequestSchemas;
}

const PATH_PARAMETERS: Record<string, Json> = {
  id: { schema: { type: 'string', format: 'uuid' }, description: 'The id of a task' },
  name: { schema: { type: 'string' } },
  type: { schema: { type: 'string' }, description: 'A task type or one of its aliases' },
};

const BODY_ERRORS: readonly ErrorCode[] = [
  'malformed_json',
  'body_too_large',
  'body_too_deep',
  'unsupported_media_type',
  'invalid_request',
];
const DATABASE_ERRORS: readonly ErrorCode[] = ['database_unavailable'];
const KEY_ERRORS: readonly ErrorCode[] = [
  'key_missing',
  'key_invalid',
  'key_expired',
  'key_revoked',
  'scope_missing',
  'database_unavailable',
];
const ALL_ERRORS: readonly ErrorCode[] = ['misconfigured', 'internal_error'];

/** The documented routes, in the order in which the app mounts them. */
const documented = (routes: readonly RouterRoute[]): Documented[] => {
  const found = new Map<string, Documented>();
  for (const { path, method, handler } of routes) {
    const key = `${method} ${path}`;
    const operation = operationOf(handler);
    if (operation) found.set(key, { path, method, operation, request: {} });
    const entry = found.get(key);
    if (entry) Object.assign(entry.request, schemasOf(handler));
  }
  return [...found.values()];
};

/** A zod schema as JSON Schema; schemas with an id become components, which `$ref` points to. */
const createComponents = () => {
  const schemas: Json = {};
  const hoist = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(hoist);
    if (typeof value !== 'object' || value === null) return value;
    const { $defs, $schema: _, ...rest } = value as Json;
    for (const [name, schema] of Object.entries(($defs ?? {}) as Json))
      schemas[name] ??= hoist(schema);
    return Object.fromEntries(
      Object.entries(rest).flatMap(([key, each]) => {
        if (key === '$ref' && typeof each === 'string')
          return [[key, each.replace('#/$defs/', '#/components/schemas/')]];
        return key === 'id' && typeof each === 'string' ? [] : [[key, hoist(each)]];
      }),
    );
  };
  /** Wrapped, so that a schema with an id of its own is hoisted too. */
  const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): Json => {
    const wrapped = hoist(z.toJSONSchema(z.array(schema), { io, unrepresentable: 'any' })) as {
      items: Json;
    };
    return wrapped.items;
  };
  return { schemas, schemaOf };
};

const parametersOf = (
  { path, operation, request }: Documented,
  schemaOf: (schema: z.ZodType, io: 'input') => Json,
): Json[] => {
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    ...PATH_PARAMETERS[name],
  }));
  const shape = request.query
    ? (schemaOf(request.query, 'input') as {
        properties?: Record<string, Json>;
        required?: string[];
      })
    : {};
  const inQuery = Object.entries(shape.properties ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    required: shape.required?.includes(name) ?? false,
    schema,
  }));
  const inHeader = Object.entries(operation.headers ?? {}).map(([name, description]) => ({
    name,
    in: 'header',
    required: false,
    description,
    schema: { type: 'string' },
  }));
  return [...inPath, ...inQuery, ...inHeader];
};

const bodyOf = (
  { operation, request }: Documented,
  schemaOf: (schema: z.ZodType, io: 'input') => Json,
): Json | undefined => {
  if (operation.upload)
    return {
      required: true,
      content: { [operation.upload]: { schema: { type: 'string', format: 'binary' } } },
    };
  if (!request.body) return undefined;
  const schema = Array.isArray(request.body)
    ? { anyOf: request.body.map((each: z.ZodType) => schemaOf(each, 'input')) }
    : schemaOf(request.body as z.ZodType, 'input');
  const examples = Object.fromEntries(
    Object.entries(operation.examples ?? {}).map(([name, value]) => [name, { value }]),
  );
  return { required: !request.isOptional, content: { 'application/json': { schema, examples } } };
};

/** All refusals of an operation, by status. */
const problemsOf = ({ path, method, operation, request }: Documented): Json => {
  const codes = new Set<ErrorCode>([
    ...(request.body ? BODY_ERRORS : []),
    ...(request.query ? (['invalid_request'] as const) : []),
    ...(path.includes(':id') ? (['task_not_found'] as const) : []),
    ...(operation.isStatic ? [] : DATABASE_ERRORS),
    ...(operation.errors ?? []),
    ...(operation.access === 'open' ? [] : KEY_ERRORS),
    ...(operation.access === 'open' || method === 'GET' ? [] : (['rate_limited'] as const)),
    ...ALL_ERRORS,
  ]);
  const byStatus = Map.groupBy(codes, (code) => PROBLEMS[code][0]);
  return Object.fromEntries(
    [...byStatus].map(([status, all]) => [
      status,
      {
        description: all.map((code) => `\`${code}\`: ${PROBLEMS[code][1]}`).join('; '),
        ...((status === 503 || status === 429) && {
          headers: { 'Retry-After': { description: 'Seconds', schema: { type: 'string' } } },
        }),
        content: {
          'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
        },
      },
    ]),
  );
};

const answersOf = (
  { operation }: Documented,
  schemaOf: (schema: z.ZodType, io: 'output') => Json,
): Json =>
  Object.fromEntries(
    Object.entries(operation.answers).map(([status, { description, body, headers = {} }]) => [
      status,
      {
        description,
        headers: Object.fromEntries(
          Object.entries({ 'X-Request-Id': 'Names this request in the log', ...headers }).map(
            ([name, text]) => [name, { description: text, schema: { type: 'string' } }],
          ),
        ),
        ...(typeof body === 'string' && { content: { [body]: { schema: { type: 'string' } } } }),
        ...(body !== null &&
          typeof body !== 'string' && {
            content: { 'application/json': { schema: schemaOf(body, 'output') } },
          }),
      },
    ]),
  );

/** One answer of an operation. */
interface Answer {
  description: string;
  headers?: Json;
  content?: Json;
}

/** Answers and refusals by status; one status may have both, told apart by their media types. */
const merged = (answers: Json, problems: Json): Json => {
  const all: Json = { ...problems };
  for (const [status, answer] of Object.entries(answers) as [string, Answer][]) {
    const refusal = problems[status] as Answer | undefined;
    all[status] = refusal
      ? {
          description: `${answer.description}; ${refusal.description}`,
          headers: { ...answer.headers, ...refusal.headers },
          content: { ...answer.content, ...refusal.content },
        }
      : answer;
  }
  return all;
};

/** The OpenAPI 3.1 document of the app's own routes. `origin`: where this service answers. */
export const documentOf = (routes: readonly RouterRoute[], origin: string): Json => {
  const { schemas, schemaOf } = createComponents();
  schemaOf(problem, 'output');
  const paths: Record<string, Json> = {};
  for (const entry of documented(routes)) {
    const { operation } = entry;
    const path = entry.path.replaceAll(/:(\w+)/g, '{$1}').replace(/(?<=.)\/$/, '');
    const requestBody = bodyOf(entry, schemaOf);
    (paths[path] ??= {})[entry.method.toLowerCase()] = {
      // PUT and PATCH of one path are one operation here, but ids must differ.
      operationId: entry.method === 'PATCH' ? `${operation.id}Patch` : operation.id,
      tags: [operation.tag],
      summary: operation.summary,
      description: [
        operation.description,
        operation.access === 'open'
          ? 'Open to everybody.'
          : `Needs the scope \`${operation.access}\`.`,
      ]
        .filter(Boolean)
        .join('\n\n'),
      security: operation.access === 'open' ? [] : [{ key: [] }],
      parameters: parametersOf(entry, schemaOf),
      ...(requestBody && { requestBody }),
      responses: merged(answersOf(entry, schemaOf), problemsOf(entry)),
    };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tasker',
      version: packageJson.version,
      description: `${packageJson.description}\n\nErrors are problem details (RFC 9457) with a stable \`code\`. A trailing slash is accepted everywhere.`,
      license: { name: packageJson.license, identifier: packageJson.license },
    },
    servers: [{ url: origin, description: 'This service' }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas,
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'An API key, `tk_…`' },
      },
    },
  };
};
