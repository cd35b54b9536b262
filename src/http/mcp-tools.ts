import * as z from 'zod';
import type { Scope } from '../domain/api-key.ts';
import { STATUSES } from '../domain/words.ts';

/** The request of this very API that a tool stands for. */
interface ToolRequest {
  method: 'GET' | 'POST';
  path: string;
  json?: unknown;
  headers?: Record<string, string>;
}

/** What an agent can call: a name, what it takes, and the request that it makes. */
export interface McpTool {
  name: string;
  title: string;
  description: string;
  scope: Scope;
  /** It changes nothing. */
  isReadOnly: boolean;
  input: z.ZodObject;
  toRequest(input: never): ToolRequest;
}

const defineTool = <Input extends z.ZodObject>(
  tool: Omit<McpTool, 'input' | 'toRequest'> & {
    input: Input;
    toRequest(input: z.output<Input>): ToolRequest;
  },
): McpTool => tool;

const id = z.uuid().describe('The task_id');
const waitSeconds = z
  .int()
  .min(0)
  .max(25)
  .describe('Wait this long for the end of the task, 25 s at most');

const toTask = ({ task_id }: { task_id: string }, rest = ''): string => `/tasks/${task_id}${rest}`;
const toWait = (seconds: number | undefined): Record<string, string> =>
  seconds === undefined ? {} : { Prefer: `wait=${seconds}` };

/** The tools of `/mcp`. Each is checked, limited and answered as its request is. */
export const MCP_TOOLS: readonly McpTool[] = [
  defineTool({
    name: 'submit_task',
    title: 'Submit a task',
    description:
      'Submits a task, which runs in the background, and answers with it. list_task_types tells ' +
      'the types and their parameters. With wait_seconds it answers once the task has ended.',
    scope: 'tasks:write',
    isReadOnly: false,
    input: z.strictObject({
      type: z.string().describe('A task type, see list_task_types'),
      params: z.record(z.string(), z.unknown()).optional().describe('Its parameters'),
      title: z.string().optional(),
      tags: z.array(z.string()).optional(),
      priority: z.enum(['HIGH', 'MEDIUM', 'LOW']).optional(),
      delay_seconds: z.number().min(0).optional(),
      idempotency_key: z.string().optional().describe('The same key and task give the same task'),
      wait_seconds: waitSeconds.optional(),
    }),
    toRequest: ({ idempotency_key, wait_seconds, ...json }) => ({
      method: 'POST',
      path: '/tasks',
      json,
      headers: {
        ...toWait(wait_seconds),
        ...(idempotency_key !== undefined && { 'Idempotency-Key': idempotency_key }),
      },
    }),
  }),
  defineTool({
    name: 'get_task',
    title: 'Get a task',
    description: 'A task with its status, result, error, attempts, and why it waits.',
    scope: 'tasks:read',
    isReadOnly: true,
    input: z.strictObject({ task_id: id }),
    toRequest: (input) => ({ method: 'GET', path: toTask(input) }),
  }),
  defineTool({
    name: 'wait_for_task',
    title: 'Wait for a task',
    description: 'The task once it has ended, or as it is after wait_seconds: then call it again.',
    scope: 'tasks:read',
    isReadOnly: true,
    input: z.strictObject({ task_id: id, wait_seconds: waitSeconds.default(25) }),
    toRequest: ({ task_id, wait_seconds }) => ({
      method: 'GET',
      path: toTask({ task_id }),
      headers: toWait(wait_seconds),
    }),
  }),
  defineTool({
    name: 'list_tasks',
    title: 'List tasks',
    description:
      'Tasks, newest first. `query` is an id, an order number or the like in the parameters, or ' +
      'words. `cursor` is the next_cursor of the page before.',
    scope: 'tasks:read',
    isReadOnly: true,
    input: z.strictObject({
      status: z.array(z.enum(STATUSES)).optional(),
      type: z.array(z.string()).optional(),
      tag: z.array(z.string()).optional(),
      query: z.string().optional(),
      page_size: z.int().min(1).max(100).default(20),
      cursor: z.string().default(''),
    }),
    toRequest: ({ status = [], type = [], tag = [], query, page_size, cursor }) => {
      const search = new URLSearchParams({ page_size: String(page_size), cursor });
      for (const [name, values] of Object.entries({ status, type, tag }))
        for (const value of values) search.append(name, value);
      if (query !== undefined) search.set('q', query);
      return { method: 'GET', path: `/tasks?${search.toString()}` };
    },
  }),
  defineTool({
    name: 'cancel_task',
    title: 'Cancel a task',
    description: 'Cancels a task that has not ended.',
    scope: 'tasks:write',
    isReadOnly: false,
    input: z.strictObject({ task_id: id }),
    toRequest: (input) => ({ method: 'POST', path: toTask(input, '/cancel') }),
  }),
  defineTool({
    name: 'retry_task',
    title: 'Retry a task',
    description: 'Runs a failed or cancelled task again.',
    scope: 'tasks:write',
    isReadOnly: false,
    input: z.strictObject({ task_id: id }),
    toRequest: (input) => ({ method: 'POST', path: toTask(input, '/retry') }),
  }),
  defineTool({
    name: 'read_task_logs',
    title: 'Read the log of a task',
    description:
      'What a run of the task wrote down: the first thing to look at when one failed. Of the newest ' +
      'attempt that wrote something unless told.',
    scope: 'tasks:read',
    isReadOnly: true,
    input: z.strictObject({ task_id: id, attempt: z.int().min(1).optional() }),
    toRequest: ({ attempt, ...input }) => ({
      method: 'GET',
      path: toTask(input, attempt === undefined ? '/logs' : `/logs?attempt=${attempt}`),
    }),
  }),
  defineTool({
    name: 'list_errors',
    title: 'List errors',
    description: 'What fails: failed tasks grouped by type and message, the most frequent first.',
    scope: 'tasks:read',
    isReadOnly: true,
    input: z.strictObject({}),
    toRequest: () => ({ method: 'GET', path: '/errors' }),
  }),
  defineTool({
    name: 'list_task_types',
    title: 'List task types',
    description:
      'What can be submitted: each type with its parameters as JSON Schema and an example.',
    scope: 'tasks:read',
    isReadOnly: true,
    input: z.strictObject({}),
    toRequest: () => ({ method: 'GET', path: '/task-types' }),
  }),
];
