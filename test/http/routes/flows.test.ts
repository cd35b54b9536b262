import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { TaskDetail } from '../../../src/client/index.ts';
import type { FlowDetail } from '../../../src/domain/flow-view.ts';
import { call } from '../../support/client.ts';

type Answer = FlowDetail & {
  code: string;
  detail: string;
  errors: { path: string; code: string; message: string }[];
  flows: FlowDetail[];
  pagination: { next_cursor: string | null };
};

const ask = async (
  path: string,
  method = 'GET',
  json?: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Answer; headers: Headers }> => {
  const response = await call(path, { ...(json !== undefined && { json }), method, headers });
  const text = await response.text();
  return {
    status: response.status,
    body: (text ? JSON.parse(text) : {}) as Answer,
    headers: response.headers,
  };
};
const submitFlow = async (tasks: object, more: object = {}): Promise<string> => {
  const { status, body } = await ask('/flows', 'POST', { tasks, ...more });
  if (status !== 202) throw new Error(JSON.stringify(body));
  return body.flow_id;
};
const readFlow = async (id: string): Promise<FlowDetail> => (await ask(`/flows/${id}`)).body;
const readTask = async (id: string): Promise<TaskDetail> => (await call(`/tasks/${id}`)).json();
const ended = async (id: string): Promise<FlowDetail> => {
  await vi.waitUntil(async () => (await readFlow(id)).completed_at !== null, {
    timeout: 15_000,
    interval: 20,
  });
  return readFlow(id);
};
const statuses = ({ nodes }: FlowDetail) =>
  Object.fromEntries(nodes.map(({ node, status }) => [node, status]));
const resultOf = async (flow: FlowDetail, node: string): Promise<unknown> =>
  (await readTask(flow.nodes.find((each) => each.node === node)?.task_id ?? '')).result;

const sum = (a: unknown, b: unknown, more: object = {}) => ({
  type: 'sum',
  params: { a, b },
  ...more,
});
const from = ($from: string) => ({ $from });
const failing = { type: 'broken', params: {}, max_attempts: 1 };

beforeEach(async () => {
  await env.DB.batch([env.DB.prepare('DELETE FROM tasks'), env.DB.prepare('DELETE FROM flows')]);
});

describe('a flow', () => {
  it('runs a chain, each with the value of the one before', async () => {
    const id = await submitFlow({
      first: sum(1, 2),
      second: sum(from('first.result.result'), 10),
      third: sum(from('second.result.result'), 100),
    });
    const flow = await ended(id);
    expect(flow).toMatchObject({ status: 'COMPLETED', tasks: { total: 3, ended: 3 } });
    expect(await resultOf(flow, 'third')).toMatchObject({ result: 113 });
    expect(flow.nodes.map(({ node, after }) => [node, after])).toEqual([
      ['first', []],
      ['second', ['first']],
      ['third', ['second']],
    ]);
  });

  it('makes a task for each item, and hands the list on', async () => {
    const id = await submitFlow({
      list: { type: 'data_processing', params: { data: [1, 2, 3], operations: [] } },
      double: sum(from('item'), from('item'), { for_each: from('list.result.data.data') }),
      end: {
        type: 'data_processing',
        after: ['double'],
        params: { data: from('double.result'), operations: [] },
      },
    });
    const flow = await ended(id);
    expect(statuses(flow)).toEqual({ list: 'COMPLETED', double: 'COMPLETED', end: 'COMPLETED' });
    expect(await resultOf(flow, 'end')).toMatchObject({
      data: { data: [{ result: 2 }, { result: 4 }, { result: 6 }] },
    });
    expect(flow.nodes.find(({ node }) => node === 'double')?.items).toHaveLength(3);
  });

  it('cancels what waits for a task that failed', async () => {
    const id = await submitFlow({
      a: failing,
      b: sum(1, 2, { after: ['a'] }),
      c: sum(1, 2, { after: ['b'] }),
      d: sum(1, 1),
    });
    const flow = await ended(id);
    expect(flow.status).toBe('FAILED');
    expect(statuses(flow)).toEqual({ a: 'FAILED', b: 'CANCELLED', c: 'CANCELLED', d: 'COMPLETED' });
  });
});

describe('a large flow', () => {
  it('of 1 000 tasks is accepted at once, and fans out and in', async () => {
    const tasks: Record<string, object> = { first: sum(1, 2) };
    for (let i = 0; i < 998; i += 1) tasks[`n${i}`] = sum(from('first.result.result'), i);
    tasks['last'] = sum(1, 1, { after: Object.keys(tasks) });
    const begun = Date.now();
    const id = await submitFlow(tasks);
    const accepted = Date.now();
    const flow = await ended(id);
    console.log(`accepted in ${accepted - begun} ms, done in ${Date.now() - accepted} ms`);
    expect(flow).toMatchObject({ status: 'COMPLETED', tasks: { total: 1_000, ended: 1_000 } });
  }, 60_000);

  it('of a chain', async () => {
    const tasks: Record<string, object> = { n0: sum(0, 1) };
    for (let i = 1; i < 100; i += 1) tasks[`n${i}`] = sum(from(`n${i - 1}.result.result`), 1);
    const begun = Date.now();
    const flow = await ended(await submitFlow(tasks));
    console.log(`a chain of 100 took ${Date.now() - begun} ms`);
    expect(await resultOf(flow, 'n99')).toMatchObject({ result: 100 });
  }, 60_000);
});
