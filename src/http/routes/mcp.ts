import { Hono } from 'hono';
import * as z from 'zod';
import packageJson from '../../../package.json';
import { hasScope } from '../../domain/api-key.ts';
import { toFieldErrors } from '../../domain/field-errors.ts';
import { assertOrigin } from '../authenticate.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { MCP_TOOLS, type McpTool } from '../mcp-tools.ts';
import { docs } from '../middleware/docs.ts';
import { limit } from '../middleware/limit.ts';
import { scope } from '../middleware/scope.ts';
import { json } from '../middleware/validate.ts';

// The Model Context Protocol for agents, by "streamable HTTP" without sessions and streams:
// https://modelcontextprotocol.io/specification/2025-06-18/basic/transports. The official server
// needs Node's HTTP server and a validator that compiles code, which Workers forbid.

const VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const;
const INSTRUCTIONS =
  'Tasker runs tasks in the background and loses none. Submit with submit_task, wait with ' +
  'wait_for_task; list_task_types tells what there is.';

/** https://www.jsonrpc.org/specification#error_object */
const CODES = { unknownMethod: -32601, invalidParams: -32602 } as const;

const messageSchema = z
  .object({
    jsonrpc: z.literal('2.0'),
    id: z.union([z.string().max(200), z.number()]).optional(),
    method: z.string().max(100),
    params: z.looseObject({}).optional(),
  })
  .meta({ id: 'McpMessage' });
type Message = z.output<typeof messageSchema>;

const answerSchema = z.looseObject({ jsonrpc: z.literal('2.0') }).meta({ id: 'McpAnswer' });

/** Headers by which the inner request is the caller's own. */
const PASSED_ON = ['Authorization', 'Host', 'CF-Connecting-IP', 'Origin', 'Sec-Fetch-Site'];

type Fetch = Hono<AppEnv>['fetch'];

const toInnerRequest = (c: AppContext, tool: McpTool, input: unknown): Request => {
  const { method, path, json: body, headers: more } = tool.toRequest(input as never);
  const headers = new Headers(more);
  for (const name of PASSED_ON) {
    const value = c.req.header(name);
    if (value !== undefined) headers.set(name, value);
  }
  if (body !== undefined) headers.set('Content-Type', 'application/json');
  // What was changed just now is not to be hidden by a cache.
  headers.set('Cache-Control', 'no-cache');
  const init = body === undefined ? {} : { body: JSON.stringify(body) };
  return new Request(new URL(path, c.req.url), { method, headers, ...init });
};

const listTools = (c: AppContext) => ({
  tools: MCP_TOOLS.filter((tool) => hasScope(c.get('identity').scopes, tool.scope)).map(
    ({ name, title, description, input, isReadOnly }) => ({
      name,
      title,
      description,
      inputSchema: z.toJSONSchema(input, { io: 'input' }),
      annotations: { title, readOnlyHint: isReadOnly, destructiveHint: false },
    }),
  ),
});

class InvalidParamsError extends Error {}

/** Calls a tool: the service's own answer, or its refusal in its own words. */
const callTool = async (c: AppContext, fetch: Fetch, params: Message['params']) => {
  const tool = MCP_TOOLS.find(({ name }) => name === params?.['name']);
  if (!tool) throw new InvalidParamsError('There is no such tool: tools/list names them');
  const input = tool.input.safeParse(params?.['arguments'] ?? {});
  if (!input.success) {
    const found = toFieldErrors(input.error, 'body', []);
    const text = found.map(({ path, message }) => `${path}: ${message}`).join('\n');
    return { isError: true, content: [{ type: 'text', text }] };
  }
  const response = await fetch(toInnerRequest(c, tool, input.data), c.env, c.executionCtx);
  const text = await response.text();
  const content = [{ type: 'text', text }];
  if (!response.ok) return { isError: true, content };
  return { content, structuredContent: JSON.parse(text) as unknown };
};

const answerMethod = async (c: AppContext, fetch: Fetch, { method, params }: Message) => {
  if (method === 'initialize') {
    const asked = VERSIONS.find((version) => version === params?.['protocolVersion']);
    return {
      protocolVersion: asked ?? VERSIONS[0],
      capabilities: { tools: {} },
      serverInfo: { name: 'tasker', title: 'Tasker', version: packageJson.version },
      instructions: INSTRUCTIONS,
    };
  }
  if (method === 'ping') return {};
  if (method === 'tools/list') return listTools(c);
  return method === 'tools/call' ? callTool(c, fetch, params) : null;
};

/** `/mcp`: the same service for agents. `getApp`: whose routes the tools call. */
export const createMcpRoutes = (getApp: () => { fetch: Fetch }) =>
  new Hono<AppEnv>().post(
    '/mcp',
    docs({
      id: 'mcp',
      tag: 'Operations',
      summary: 'The Model Context Protocol, for agents',
      description:
        'Streamable HTTP without a session: one JSON-RPC message a request. Keys and scopes are ' +
        'those of the API.',
      answers: {
        200: { description: 'The answer', body: answerSchema },
        202: { description: 'A notification was taken', body: null },
      },
      errors: ['origin_not_allowed'],
      examples: {
        'list the tools': { jsonrpc: '2.0', id: 1, method: 'tools/list' },
        'list the types': {
          jsonrpc: '2.0',
          id: 2,
          method: 'tools/call',
          params: { name: 'list_task_types', arguments: {} },
        },
      },
    }),
    scope('tasks:read'),
    limit('writes'),
    json(messageSchema),
    async (c) => {
      assertOrigin(c);
      const message = c.req.valid('json');
      const { id } = message;
      if (id === undefined) return c.body(null, 202);
      const answer = (part: object) => c.json({ jsonrpc: '2.0', id, ...part });
      try {
        const result = await answerMethod(c, getApp().fetch, message);
        if (result !== null) return answer({ result });
        const text = `There is no method ${message.method}`;
        return answer({ error: { code: CODES.unknownMethod, message: text } });
      } catch (error) {
        if (!(error instanceof InvalidParamsError)) throw error;
        return answer({ error: { code: CODES.invalidParams, message: error.message } });
      }
    },
  );
