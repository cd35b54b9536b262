import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import type { TaskView } from '../../../../src/domain/view.ts';
import { getServices } from '../../../../src/wiring/services.ts';
import { call, finished, submit, watch } from '../../../support/client.ts';
import { observeDatabase } from '../../../support/database.ts';
import { OWNER } from '../../../support/rows.ts';

const KB = 1_024;
const MB = KB * KB;
const register = (name: string, more: object = {}): Promise<Response> =>
  call(`/task-types/${name}`, {
    method: 'PUT',
    json: { description: 'For a test', run: { worker: {} }, ...more },
  });
const lease = async (type: string): Promise<{ run: string; params: unknown }> => {
  const answer = await call('/work', { json: { worker: 'test', types: [type], max: 1 } });
  const { tasks } = await answer.json<{ tasks: { run: string; params: unknown }[] }>();
  return tasks[0] ?? expect.fail('Nothing to do');
};
const asRun = (run: string, path: string, init: RequestInit = {}): Promise<Response> =>
  call(path, {
    ...init,
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${run}` },
  });
const putResult = (run: string, body: BodyInit): Promise<Response> =>
  asRun(run, '/runs/result', { method: 'PUT', body });
/** A body whose length nobody knows. */
const streamOf = (text: string): ReadableStream<Uint8Array> =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(text));
      controller.close();
    },
  });
const rowOf = (id: string) =>
  env.DB.prepare('SELECT params, result FROM tasks WHERE id = ?').bind(id).first();
const listBodies = async (id: string): Promise<string[]> => {
  const { objects } = await env.FILES.list({ prefix: `:bodies/${OWNER}/${id}/` });
  return objects.map(({ key }) => key);
};
const countBodyBytes = () =>
  env.DB.prepare('SELECT body_bytes FROM owners WHERE owner = ?').bind(OWNER).first('body_bytes');
const read = async (id: string, path = ''): Promise<unknown> =>
  (await call(`/tasks/${id}${path}`)).json();

describe('parameters beyond 16 KB', () => {
  it('lie outside, are run with, and are read as any others', async () => {
    await register('large');
    const text = 'é'.repeat(20 * KB);
    const task = await submit('large', { text });
    expect(task.params).toEqual({ text });
    const row = await rowOf(task.task_id);
    expect(row?.['params']).toMatch(/^\{"\$body":\{"bytes":40971,"name":"0-[\w-]+"\}\}$/);
    expect(await listBodies(task.task_id)).toHaveLength(1);
    expect(await read(task.task_id)).toMatchObject({ params: { text } });
    expect(await read(task.task_id, '/params')).toEqual({ text });
    expect((await lease('large')).params).toEqual({ text });
    const { tasks } = (await (await call('/tasks?type=large')).json()) as { tasks: TaskView[] };
    expect(tasks[0]?.params).toEqual({ text });
  });

  it('of 10 MB are taken, and given out by themselves', async () => {
    await register('largest');
    const text = 'x'.repeat(10 * MB - 11);
    const task = await submit('largest', { text });
    const url = `/tasks/${task.task_id}/params`;
    expect(task.params).toEqual({ $body: { bytes: 10 * MB, url } });
    const { run, params } = await lease('largest');
    expect(params).toEqual({ $body: { bytes: 10 * MB, url: '/runs/params' } });
    expect(await read(task.task_id)).toMatchObject({ params: { $body: { bytes: 10 * MB, url } } });
    expect(await (await asRun(run, '/runs/params')).json()).toEqual({ text });
    const response = await call(url);
    expect(response.headers.get('Content-Length')).toBe(String(10 * MB));
    expect(await response.json()).toEqual({ text });
  });

  it('of more are refused, and so are too many values', async () => {
    await register('refused');
    const tooLarge = { type: 'refused', params: { text: 'x'.repeat(10 * MB) } };
    expect((await call('/tasks', { json: tooLarge })).status).toBe(413);
    const values = { type: 'refused', params: { list: Array.from({ length: 600_000 }, () => 0) } };
    const refused = await call('/tasks', { json: values });
    expect([refused.status, await refused.json()]).toMatchObject([
      413,
      { code: 'body_too_large', detail: expect.stringContaining('500000 values') },
    ]);
  });

  it('are not searched, which the answer says', async () => {
    await register('searched');
    await submit('searched', { text: `needle ${'x'.repeat(20 * KB)}` });
    await submit('searched', { text: 'needle in a row' });
    const found = await (await call('/tasks?type=searched&q=needle')).json();
    expect(found).toMatchObject({ pagination: { truncated: true }, tasks: [{}] });
    const body = await (await call('/tasks?type=searched&params.$body.bytes=20498')).json();
    expect(body).toMatchObject({ tasks: [] });
    const title = await (await call('/tasks?type=searched&status=PENDING')).json();
    expect(title).not.toMatchObject({ pagination: { truncated: true } });
  });

  it('that look like a stub are what their owner sent', async () => {
    await register('forged');
    const other = await submit('forged', { text: 'x'.repeat(20 * KB) });
    const name = (await listBodies(other.task_id))[0]?.split('/').at(-1);
    const params = { $body: { bytes: 20_491, name } };
    const task = await submit('forged', params);
    expect(await read(task.task_id)).toMatchObject({ params });
    expect(await read(task.task_id, '/params')).toEqual(params);
    await lease('forged');
    const { run } = await lease('forged');
    expect(await (await putResult(run, JSON.stringify(params))).json()).toEqual({
      status: 'COMPLETED',
    });
    expect(await read(task.task_id, '/result')).toEqual(params);
    expect((await rowOf(task.task_id))?.['result']).toMatch(/^\{"\\u0024body"/);
  });
});

describe('a result', () => {
  it('of a handler beyond 16 KB lies outside, and frames have it', async () => {
    await register('framed', { run: { manual: {} } });
    const task = await submit('framed');
    const { next } = await watch(`/tasks/${task.task_id}/events`);
    const result = { text: 'y'.repeat(100 * KB) };
    const done = await call(`/tasks/${task.task_id}/complete`, { json: { result } });
    expect(await done.json()).toMatchObject({ status: 'COMPLETED', result });
    const frame = await next(
      (each) => each.event === 'update' && 'task' in each && each.task.status === 'COMPLETED',
    );
    expect(frame).toMatchObject({ task: { result } });
    expect((await rowOf(task.task_id))?.['result']).toContain('$body');
    expect(await finished(task.task_id)).toMatchObject({ result });
  });

  it('of 25 MB passes as a stream', async () => {
    await register('streamed');
    const task = await submit('streamed');
    const { run } = await lease('streamed');
    const part = new TextEncoder().encode(`${'z'.repeat(64 * KB - 1)} `);
    let left = 25 * MB;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const size = Math.min(left, part.length);
        const bytes = part.slice(0, size);
        if (left === 25 * MB) bytes[0] = 0x22;
        left -= size;
        if (left === 0) bytes[size - 1] = 0x22;
        controller.enqueue(bytes);
        if (left === 0) controller.close();
      },
    });
    const put = await putResult(run, body);
    expect([put.status, await put.json()]).toEqual([200, { status: 'COMPLETED' }]);
    const response = await call(`/tasks/${task.task_id}/result`);
    let bytes = 0;
    for await (const chunk of response.body ?? []) bytes += chunk.byteLength;
    expect([bytes, response.headers.get('Content-Length')]).toEqual([25 * MB, String(25 * MB)]);
    const again = await call(`/tasks/${task.task_id}/result`, {
      headers: { 'If-None-Match': response.headers.get('ETag') ?? '' },
    });
    expect(again.status).toBe(304);
    expect(await read(task.task_id)).toMatchObject({
      result: { $body: { bytes: 25 * MB, url: `/tasks/${task.task_id}/result` } },
    });
  }, 60_000);

  it('that is no JSON, too large, or of a run that is over is refused, and leaves nothing', async () => {
    await register('spoiled');
    const task = await submit('spoiled');
    const { run } = await lease('spoiled');
    const put = async (body: BodyInit) => {
      const response = await putResult(run, body);
      return [response.status, (await response.json<{ code: string }>()).code];
    };
    expect(await put(streamOf('{"open":'))).toEqual([400, 'malformed_json']);
    expect(await put(streamOf(`"${'x'.repeat(25 * MB)}"`))).toEqual([413, 'body_too_large']);
    expect(await put(`"${'x'.repeat(25 * MB)}"`)).toEqual([413, 'body_too_large']);
    expect(await put('{"open":')).toEqual([400, 'malformed_json']);
    expect(await listBodies(task.task_id)).toEqual([]);
    expect((await putResult(run, streamOf('{"ok":true}'))).status).toBe(200);
    expect(await put(streamOf('{"ok":false}'))).toEqual([409, 'run_over']);
    expect(await listBodies(task.task_id)).toHaveLength(1);
    expect(await read(task.task_id, '/result')).toEqual({ ok: true });
  }, 60_000);

  it('is checked by the schema of its type, or not taken', async () => {
    await register('checked', { result: { type: 'object', required: ['ok'] } });
    await submit('checked');
    const { run } = await lease('checked');
    expect((await putResult(run, streamOf('{"no":1}'))).status).toBe(422);
    const small = await putResult(run, '{"ok":1}');
    expect(await small.json()).toEqual({ status: 'COMPLETED' });
  });

  it('is there by itself once there is one', async () => {
    const done = await submit('sum', { a: 5, b: 3 });
    await finished(done.task_id);
    const response = await call(`/tasks/${done.task_id}/result`);
    expect([response.status, await response.json()]).toEqual([
      200,
      { operation: 'sum', result: 8, a: 5, b: 3 },
    ]);
    await register('waiting');
    const waiting = await submit('waiting');
    expect((await call(`/tasks/${waiting.task_id}/result`)).status).toBe(409);
    await call(`/tasks/${waiting.task_id}/cancel`, { method: 'POST' });
    expect((await call(`/tasks/${waiting.task_id}/result`)).status).toBe(404);
    expect((await call(`/tasks/${crypto.randomUUID()}/result`)).status).toBe(404);
  });
});

describe('what is large', () => {
  it('is counted, and goes with its task', async () => {
    await register('counted');
    const before = Number(await countBodyBytes());
    const task = await submit('counted', { text: 'x'.repeat(20 * KB) });
    const { run } = await lease('counted');
    expect((await putResult(run, JSON.stringify('y'.repeat(30 * KB)))).status).toBe(200);
    expect(Number(await countBodyBytes()) - before).toBe(20 * KB + 11 + 30 * KB + 2);
    expect(await listBodies(task.task_id)).toHaveLength(2);
    expect((await call(`/tasks/${task.task_id}`, { method: 'DELETE' })).status).toBe(204);
    await vi.waitUntil(async () => (await listBodies(task.task_id)).length === 0);
    expect(Number(await countBodyBytes())).toBe(before);
  });

  it('of a submit that is refused goes at once', async () => {
    await register('once');
    const send = (text: string) =>
      call('/tasks', {
        json: { type: 'once', params: { text } },
        headers: { 'Idempotency-Key': 'large-once' },
      });
    const first = await (await send('x'.repeat(20 * KB))).json<TaskView>();
    const again = await send('x'.repeat(20 * KB));
    expect(again.headers.get('Idempotent-Replayed')).toBe('true');
    expect(await again.json()).toMatchObject({ task_id: first.task_id, params: first.params });
    const { objects } = await env.FILES.list({ prefix: `:bodies/${OWNER}/` });
    const ids = new Set(objects.map(({ key }) => key.split('/')[2] ?? ''));
    for (const id of ids) expect([id, await rowOf(id)]).not.toEqual([id, null]);
  });

  it('stays in its row while R2 does not answer, up to what a row holds', async () => {
    await register('inline');
    const put = vi.spyOn(Object.getPrototypeOf(env.FILES), 'put');
    put.mockRejectedValue(new Error('R2 is away'));
    const task = await submit('inline', { text: 'x'.repeat(20 * KB) });
    const large = { type: 'inline', params: { text: 'x'.repeat(2 * MB) } };
    expect((await call('/tasks', { json: large })).status).toBe(503);
    put.mockRestore();
    expect((await rowOf(task.task_id))?.['params']).toContain('xxx');
    expect(await read(task.task_id, '/params')).toEqual({ text: 'x'.repeat(20 * KB) });
  });

  it('costs small tasks nothing', async () => {
    const put = vi.spyOn(Object.getPrototypeOf(env.FILES), 'put');
    const get = vi.spyOn(Object.getPrototypeOf(env.FILES), 'get');
    const { asked, stop } = observeDatabase();
    const task = await submit('sum', { a: 1, b: 2 });
    await finished(task.task_id);
    stop();
    expect([put.mock.calls.length, get.mock.calls.length]).toEqual([0, 0]);
    put.mockRestore();
    get.mockRestore();
    const rows = asked.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0);
    expect(rows).toBe(7);
  });
});

it('sweeps what no row names, once it is a day old', async () => {
  await register('swept');
  const task = await submit('swept', { text: 'x'.repeat(20 * KB) });
  const { bodies, dispatcherDeps } = getServices(env);
  const orphan = { owner: OWNER, id: crypto.randomUUID() };
  await bodies.put(orphan, 0, '"nobody has it"');
  await bodies.put({ owner: OWNER, id: task.task_id }, 1, '"of an attempt that was late"');
  const sweep = async (): Promise<void> => {
    while (await dispatcherDeps.orphans.sweep());
  };
  await sweep();
  expect(await listBodies(orphan.id)).toHaveLength(1);
  vi.useFakeTimers({ now: Date.now() + 25 * 3_600_000, toFake: ['Date'] });
  await sweep();
  vi.useRealTimers();
  expect(await listBodies(orphan.id)).toEqual([]);
  expect(await listBodies(task.task_id)).toEqual([
    expect.stringMatching(new RegExp(`/${task.task_id}/0-`)),
  ]);
});
