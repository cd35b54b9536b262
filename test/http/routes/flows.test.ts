import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { TaskDetail } from '../../../src/client/index.ts';
import type { FlowDetail } from '../../../src/domain/flow-view.ts';
import { call, watch } from '../../support/client.ts';

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

describe('the routes', () => {
  const slow = { type: 'simulate', params: { duration: 30 } };

  it('answer a submit with its tasks, and the same key with the same flow', async () => {
    const json = { name: 'Named', tasks: { b: sum(from('a.result.result'), 1), a: sum(1, 2) } };
    const key = { 'Idempotency-Key': crypto.randomUUID() };
    const first = await ask('/flows', 'POST', json, key);
    expect(first.status).toBe(202);
    expect(first.headers.get('Location')).toBe(`/flows/${first.body.flow_id}`);
    expect(first.body).toMatchObject({ name: 'Named', nodes: [{ node: 'a' }, { node: 'b' }] });
    const again = await ask('/flows', 'POST', json, key);
    expect(again.headers.get('Idempotent-Replayed')).toBe('true');
    expect(again.body.nodes.map(({ task_id }) => task_id)).toEqual(
      first.body.nodes.map(({ task_id }) => task_id),
    );
    const other = await ask('/flows', 'POST', { ...json, name: 'Other' }, key);
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused']);
  });

  it.each([
    ['no task', { tasks: {} }, 'tasks'],
    ['no tasks', {}, 'tasks'],
    ['a list', { tasks: [] }, 'tasks'],
    ['a bad name', { tasks: { 'a b': sum(1, 2) } }, 'tasks.a b'],
    ['the name of the item', { tasks: { item: sum(1, 2) } }, 'tasks.item'],
    [
      'the name of what every object has',
      JSON.parse('{"tasks":{"__proto__":{"type":"sum"}}}') as object,
      'tasks.__proto__',
    ],
    [
      'an unknown field',
      { tasks: { a: sum(1, 2), b: sum(1, 2, { afer: ['a'] }) } },
      'tasks.b.afer',
    ],
    ['an unknown word', { tasks: { a: sum(1, 2) }, on_failure: 'panic' }, 'on_failure'],
    [
      'more tasks than a flow has',
      { tasks: Object.fromEntries(Array.from({ length: 1_001 }, (_, i) => [`n${i}`, sum(1, 2)])) },
      'tasks',
    ],
    [
      'a cycle',
      {
        tasks: {
          a: sum(1, 2, { after: ['c'] }),
          b: sum(1, 2, { after: ['a'] }),
          c: sum(1, 2, { after: ['b'] }),
        },
      },
      'tasks.a.after',
    ],
  ])('refuse %s by name', async (_what, json, path) => {
    const { status, body } = await ask('/flows', 'POST', json);
    expect([status, body.code]).toEqual([422, 'invalid_request']);
    expect(body.errors.map((error) => error.path)).toContain(path);
  });

  it('name the cycle', async () => {
    const tasks = { a: sum(1, 2, { after: ['b'] }), b: sum(1, 2, { after: ['a'] }) };
    const { body } = await ask('/flows', 'POST', { tasks });
    expect(body.detail).toMatch(/a → b → a|b → a → b/);
  });

  it('list flows, and find them by name and status', async () => {
    const name = crypto.randomUUID();
    const ids = [
      await submitFlow({ a: sum(1, 2) }, { name }),
      await submitFlow({ a: slow }, { name }),
    ];
    await ended(ids[0] ?? '');
    const first = await ask(`/flows?name=${name}&page_size=1`);
    expect(first.body.flows.map(({ flow_id }) => flow_id)).toEqual([ids[1]]);
    const next = await ask(
      `/flows?name=${name}&page_size=1&cursor=${first.body.pagination.next_cursor}`,
    );
    expect(next.body.flows.map(({ flow_id }) => flow_id)).toEqual([ids[0]]);
    const over = await ask(`/flows?name=${name}&status=completed`);
    expect(over.body.flows.map(({ flow_id }) => flow_id)).toEqual([ids[0]]);
    expect((await ask('/flows?status=nothing')).status).toBe(422);
    const tasks = await (await call(`/tasks?flow_id=${ids[0]}`)).json<{ tasks: TaskDetail[] }>();
    expect(tasks.tasks).toMatchObject([{ flow_id: ids[0], node: 'a', item: null }]);
  });

  it('cancel, retry and delete a flow, and not its tasks alone', async () => {
    const id = await submitFlow({ a: slow, b: sum(1, 2, { after: ['a'] }) });
    const [, b] = (await readFlow(id)).nodes;
    expect((await ask(`/flows/${id}`, 'DELETE')).body.code).toBe('flow_unfinished');
    expect((await ask(`/flows/${id}/retry`, 'POST')).body.code).toBe('flow_unfinished');
    expect((await ask(`/flows/${id}/cancel`, 'POST')).body).toMatchObject({
      status: 'CANCELLED',
      tasks: { total: 2, ended: 2 },
    });
    const alone = await ask(`/tasks/${b?.task_id}`, 'DELETE');
    expect([alone.status, alone.body.code]).toEqual([409, 'task_of_flow']);
    expect((await ask(`/flows/${id}/retry`, 'POST')).body.status).toBe('IN_PROGRESS');
    await ask(`/flows/${id}/cancel`, 'POST');
    expect((await ask(`/flows/${id}`, 'DELETE')).status).toBe(204);
    expect((await ask(`/flows/${id}`)).body.code).toBe('flow_not_found');
    expect((await call(`/tasks/${b?.task_id}`)).status).toBe(404);
  });

  it('retry nothing that the key may not run, in a flow either', async () => {
    const made = await call('/keys', {
      json: { name: 'sums', scopes: ['tasks:read', 'tasks:write'], task_types: ['sum'] },
    });
    const { key } = await made.json<{ key: string }>();
    const headers = { Authorization: `Bearer ${key}` };
    const id = await submitFlow({ a: failing, b: sum(1, 2, { after: ['a'] }), c: sum(1, 1) });
    const flow = await ended(id);
    const of = (node: string) => flow.nodes.find((each) => each.node === node)?.task_id;
    const paths = [`/flows/${id}/retry`, `/tasks/${of('a')}/retry`];
    for (const path of paths)
      expect(await ask(path, 'POST', undefined, headers)).toMatchObject({
        status: 403,
        body: { code: 'type_not_allowed' },
      });
    expect((await readFlow(id)).status).toBe('FAILED');
    const mine = await submitFlow({ a: sum(1, from('b.result.result')), b: slow });
    await ask(`/flows/${mine}/cancel`, 'POST');
    expect((await ask(`/flows/${mine}/retry`, 'POST', undefined, headers)).status).toBe(403);
  });

  it.each(['not-an-id', crypto.randomUUID()])('know no flow "%s"', async (id) => {
    for (const [path, method] of [
      [`/flows/${id}`, 'GET'],
      [`/flows/${id}`, 'DELETE'],
      [`/flows/${id}/cancel`, 'POST'],
      [`/flows/${id}/retry`, 'POST'],
    ] as const)
      expect(await ask(path, method)).toMatchObject({
        status: 404,
        body: { code: 'flow_not_found' },
      });
  });

  it('say why a task of a flow waits', async () => {
    const id = await submitFlow({ a: slow, b: sum(1, 2), c: sum(1, 2, { after: ['a', 'b'] }) });
    const c = (await readFlow(id)).nodes.find(({ node }) => node === 'c');
    await vi.waitUntil(async () => (await readFlow(id)).tasks.ended === 1, { timeout: 5_000 });
    expect((await readTask(c?.task_id ?? '')).waiting_for).toMatchObject({
      reason: 'flow',
      nodes: ['a'],
      message: 'It waits for a',
    });
    await ask(`/flows/${id}/cancel`, 'POST');
  });

  it('stream a flow: the snapshot, what changes, and its end', async () => {
    const id = await submitFlow({
      a: { type: 'simulate', params: { duration: 1 } },
      b: sum(1, 2, { after: ['a'] }),
    });
    const { frames, closed } = await watch(`/flows/${id}/events`);
    expect((await closed).reason).toBe('final');
    expect(frames[0]).toMatchObject({ event: 'snapshot', flow: { flow_id: id } });
    expect(frames.at(-1)).toMatchObject({ event: 'update', flow: { status: 'COMPLETED' } });
    const over = await watch(`/flows/${id}/events`);
    await over.closed;
    expect(over.frames).toMatchObject([{ event: 'snapshot', flow: { status: 'COMPLETED' } }]);
    expect(
      (await call(`/flows/${crypto.randomUUID()}/events`, { headers: { Upgrade: 'websocket' } }))
        .status,
    ).toBe(404);
  });

  it('hand large items to the tasks of a list, and name what of them does not fit', async () => {
    const items = ['a', 'b'].map((v) => ({ v: v.repeat(20_000), n: 1 }));
    const id = await submitFlow(
      {
        list: { type: 'data_processing', params: { data: items, operations: [] } },
        each: {
          type: 'longest_consecutive_letters',
          params: { string: from('item.v') },
          for_each: from('list.result.data.data'),
        },
        wrong: {
          type: 'longest_consecutive_letters',
          params: { string: from('list.result') },
          max_attempts: 1,
        },
      },
      { on_failure: 'continue' },
    );
    const flow = await ended(id);
    expect(statuses(flow)).toEqual({ list: 'COMPLETED', each: 'COMPLETED', wrong: 'FAILED' });
    const each = flow.nodes.find(({ node }) => node === 'each');
    for (const item of each?.items ?? [])
      expect(await readTask(item.task_id)).toMatchObject({ result: { length: 20_000 } });
    const wrong = flow.nodes.find(({ node }) => node === 'wrong');
    expect((await readTask(wrong?.task_id ?? '')).error).toMatchObject({
      code: 'invalid_params',
      message: expect.stringContaining('params.string') as string,
    });
  });

  it('pass large values by reference: the task has them when it runs', async () => {
    const text = 'x'.repeat(20_000);
    const id = await submitFlow({
      a: { type: 'data_processing', params: { data: text } },
      b: { type: 'data_processing', params: { data: from('a.result.data.data') } },
    });
    const flow = await ended(id);
    expect(flow.status).toBe('COMPLETED');
    const b = await readTask(flow.nodes[1]?.task_id ?? '');
    expect(b.params).toEqual({ data: from('a.result.data.data') });
    expect(b.result).toMatchObject({ data: { data: text } });
  });

  it('go on after a failure where the flow says so, with null for its value', async () => {
    const tasks = {
      a: failing,
      b: { type: 'data_processing', params: { data: [from('a.result.x')] } },
    };
    const flow = await ended(await submitFlow(tasks, { on_failure: 'continue' }));
    expect([flow.status, statuses(flow)]).toEqual(['COMPLETED', { a: 'FAILED', b: 'COMPLETED' }]);
    expect(await resultOf(flow, 'b')).toMatchObject({ data: { data: [null] } });
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
