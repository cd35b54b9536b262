import type { Hono } from 'hono';
import { generateSpecs } from 'hono-openapi';
import * as z from 'zod';
import type { ErrorCode } from '../../domain/errors.ts';
import type { AppEnv } from '../context.ts';
import { toSchema, type Extensions, type Tag } from '../middleware/docs.ts';
import { PROBLEMS, problemSchema } from '../problem.ts';
import packageJson from '../../../package.json' with { type: 'json' };

type Json = Record<string, unknown>;

const TAGS: Record<Tag, string> = {
  Tasks: 'Submit, read and steer tasks',
  Schedules: 'Submit tasks by themselves',
  Limits: 'How many run at once, and how fast they begin',
  Flows: 'Tasks that wait for tasks',
  Live: 'Watch tasks as they run',
  'Types and queues': 'What can be submitted, and where it waits',
  Workers: 'Runs by code of yours: leased, kept, ended',
  Files: 'Inputs and outputs of `file_processing`',
  Operations: 'The service itself',
  'Older APIs': 'For clients of other task services',
};

/** Error codes of any route. */
const ALL_ERRORS: readonly ErrorCode[] = ['misconfigured', 'internal_error'];

interface Response {
  description: string;
  headers?: Json;
  content?: Json;
}

/** An operation as hono-openapi puts it together from the middleware of its route. */
interface Operation extends Extensions {
  operationId: string;
  description?: string;
  parameters?: { in: string }[];
  requestBody?: { content: Record<string, Json> };
  responses: Record<string, Response>;
}

/** All refusals of an operation, by status. */
const toProblemResponses = (codes: ReadonlySet<ErrorCode>): Record<string, Response> => {
  const byStatus = Map.groupBy(codes, (code) => PROBLEMS[code][0]);
  const entries = [...byStatus].map(([status, all]): [number, Response] => {
    const retryAfter = { 'Retry-After': { description: 'Seconds', schema: { type: 'string' } } };
    const schema = { $ref: '#/components/schemas/Problem' };
    return [
      status,
      {
        description: all.map((code) => `\`${code}\`: ${PROBLEMS[code][1]}`).join('; '),
        ...((status === 503 || status === 429) && { headers: retryAfter }),
        content: { 'application/problem+json': { schema } },
      },
    ];
  });
  return Object.fromEntries(entries);
};

/** Answers and refusals by status; one status may have both, told apart by their media types. */
const mergeResponses = (
  answers: Record<string, Response>,
  problems: Record<string, Response>,
): Record<string, Response> => {
  const all = { ...problems };
  for (const [status, answer] of Object.entries(answers)) {
    const problem = problems[status];
    all[status] = problem
      ? {
          description: `${answer.description}; ${problem.description}`,
          headers: { ...answer.headers, ...problem.headers },
          content: { ...answer.content, ...problem.content },
        }
      : answer;
  }
  return all;
};

/** Turns what our middleware contributed into standard parts of the operation. */
const completeOperation = (operation: Operation, method: string): Json => {
  const {
    'x-problems': problems = [],
    'x-scope': scope = 'public',
    'x-examples': examples,
    requestBody,
    ...rest
  } = operation;
  const hasQuery = operation.parameters?.some((parameter) => parameter.in === 'query') ?? false;
  const codes = new Set<ErrorCode>([
    ...(hasQuery ? (['invalid_request'] as const) : []),
    ...problems,
    ...ALL_ERRORS,
  ]);
  const access =
    scope === 'public'
      ? 'Open to everybody.'
      : scope === 'run'
        ? 'Needs the token of a run, `run_…`, as the bearer.'
        : `Needs the scope \`${scope}\`.`;
  const body = requestBody?.content['application/json'];
  if (body && examples)
    body['examples'] = Object.fromEntries(
      Object.entries(examples).map(([name, value]) => [name, { value }]),
    );
  return {
    ...rest,
    // PUT and PATCH of one path are one operation here, but ids must differ.
    operationId: method === 'patch' ? `${operation.operationId}Patch` : operation.operationId,
    description: [operation.description, access].filter(Boolean).join('\n\n'),
    ...(requestBody && { requestBody }),
    responses: mergeResponses(operation.responses, toProblemResponses(codes)),
  };
};

/** The OpenAPI 3.1 document of the app's own routes. `origin`: where this service answers. */
export const buildDocument = async (app: Hono<AppEnv>, origin: string): Promise<Json> => {
  const { components } = await toSchema(z.array(problemSchema), 'output').toOpenAPISchema();
  const specs = await generateSpecs(app, {
    documentation: {
      openapi: '3.1.0',
      info: {
        title: 'Tasker',
        version: packageJson.version,
        description:
          `${packageJson.description}\n\nErrors are problem details (RFC 9457) with a stable ` +
          '`code`. A trailing slash is accepted everywhere.',
        license: { name: packageJson.license, identifier: packageJson.license },
      },
      servers: [{ url: origin, description: 'This service' }],
      tags: Object.entries(TAGS).map(([tag, description]) => ({ name: tag, description })),
      components: {
        ...components,
        securitySchemes: {
          runToken: {
            type: 'http',
            scheme: 'bearer',
            description: 'The token of a run, `run_…`, which came with its task',
          },
          key: { type: 'http', scheme: 'bearer', description: 'An API key, `tk_…`' },
        },
      },
    },
    excludeStaticFile: false,
    defaultValidationErrorResponse: false,
  } as never);
  const paths = Object.entries((specs.paths ?? {}) as Record<string, Record<string, Operation>>);
  return {
    ...specs,
    paths: Object.fromEntries(
      paths.map(([path, methods]) => [
        path.replace(/(?<=.)\/$/, ''),
        Object.fromEntries(
          Object.entries(methods).map(([method, operation]) => [
            method,
            completeOperation(operation, method),
          ]),
        ),
      ]),
    ),
  };
};
