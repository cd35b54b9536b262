import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { exports } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { call } from '../../support/client.ts';
import { storeKey } from '../../support/keys.ts';
import type { Scope } from '../../../src/domain/api-key.ts';

/** The official client, whose requests go to the Worker under test. */
const connect = async (scopes: readonly Scope[], owner = 'agent') => {
  const { key } = await storeKey(owner, scopes);
  const client = new Client({ name: 'test', version: '1' });
  const transport = new StreamableHTTPClientTransport(new URL('http://localhost:8787/mcp'), {
    requestInit: { headers: { Authorization: `Bearer ${key}` } },
    fetch: async (url, init) => exports.default.fetch(new Request(url, init)),
  });
  await client.connect(transport);
  return client;
};

type Answer = {
  isError?: boolean;
  structuredContent: Record<string, never>;
  content: [{ text: string }];
};
const use = async (client: Client, name: string, args: object = {}): Promise<Answer> =>
  (await client.callTool({
    name,
    arguments: args as Record<string, unknown>,
  })) as unknown as Answer;

describe('the official MCP client', () => {
  it('lists the tools, submits, waits and reads the result', async () => {
    const client = await connect(['tasks:read', 'tasks:write']);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain('submit_task');
    const { structuredContent: task } = await use(client, 'submit_task', {
      type: 'sum',
      params: { a: 5, b: 3 },
    });
    const { structuredContent: ended } = await use(client, 'wait_for_task', {
      task_id: task['task_id'],
    });
    expect(ended).toMatchObject({ status: 'COMPLETED', result: { result: 8 } });
    const { structuredContent: list } = await use(client, 'list_tasks', { status: ['COMPLETED'] });
    expect(list).toMatchObject({ tasks: [{ task_id: task['task_id'] }] });
    const { structuredContent: types } = await use(client, 'list_task_types');
    expect(JSON.stringify(types)).toContain('"sum"');
    await client.close();
  });

  it('is told what it may do, and what was wrong, in the words of the API', async () => {
    const reader = await connect(['tasks:read'], 'reading-agent');
    const names = (await reader.listTools()).tools.map(({ name }) => name);
    expect(names).toContain('get_task');
    expect(names).not.toContain('submit_task');
    const refused = await use(reader, 'submit_task', { type: 'sum' });
    expect(refused).toMatchObject({ isError: true });
    expect(refused.content[0].text).toContain('tasks:write');
    const writer = await connect(['tasks:read', 'tasks:write'], 'wrong-agent');
    const unknown = await use(writer, 'submit_task', { type: 'smu' });
    expect(unknown.content[0].text).toContain('did you mean `sum`');
    expect((await use(writer, 'get_task', { task_id: 'x' })).isError).toBe(true);
    await expect(use(writer, 'no_such_tool')).rejects.toThrow('no such tool');
  });
});

it('sees nothing of another owner, and needs a key', async () => {
  const [one, other] = [
    await connect(['tasks:read', 'tasks:write'], 'mcp-one'),
    await connect(['tasks:read'], 'mcp-other'),
  ];
  const { structuredContent: task } = await use(one, 'submit_task', {
    type: 'sum',
    params: { a: 1, b: 1 },
  });
  expect((await use(other, 'get_task', { task_id: task['task_id'] })).isError).toBe(true);
  const message = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
  const status = async (headers: Record<string, string>, json: object = message) =>
    (await call('/mcp', { json, headers })).status;
  expect(await status({ Authorization: 'Bearer nothing' })).toBe(401);
  expect(await status({ Origin: 'https://elsewhere.example' })).toBe(403);
  expect(await status({}, { jsonrpc: '2.0', method: 'notifications/initialized' })).toBe(202);
  expect((await call('/mcp')).status).toBe(405);
  const unknown = await call('/mcp', { json: { ...message, method: 'resources/list' } });
  expect(await unknown.json()).toMatchObject({ id: 1, error: { code: -32601 } });
});
