import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { LimitDetail, LimitView, TaskDetail } from '../../../src/client/index.ts';
import { call, finished, submit } from '../../support/client.ts';
import { storeKey } from '../../support/keys.ts';

type Answer = LimitDetail & {
  code: string;
  errors: { path: string }[];
  limits: LimitView[];
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
const slow = (more: object = {}, seconds = 30) => submit('simulate', { duration: seconds }, more);
const read = async (id: string): Promise<TaskDetail> => (await call(`/tasks/${id}`)).json();
const waitForStatus = (id: string, status: string): Promise<unknown> =>
  vi.waitUntil(async () => (await read(id)).status === status, { timeout: 5_000 });

beforeEach(async () => {
  await env.DB.batch([
    env.DB.prepare('DELETE FROM limits'),
    env.DB.prepare('DELETE FROM tasks'),
    env.DB.prepare('DELETE FROM unique_keys'),
  ]);
});

describe('a limit', () => {
  it('is made, told, changed, paused, resumed and deleted', async () => {
    const made = await ask('/limits/openai', 'PUT', {
      max_running: 10,
      rate: { count: 50 },
      sub: { max_running: 2 },
    });
    expect(made).toMatchObject({
      status: 200,
      body: {
        key: 'openai',
        max_running: 10,
        rate: { count: 50, per_seconds: 1, burst: 25 },
        sub: { max_running: 2, rate: null },
        running: 0,
        waiting: 0,
        tokens: 25,
        paused_until: null,
        pace: null,
        top_waiting: [],
      },
    });
    const changed = await ask('/limits/openai', 'PUT', { max_running: 3 });
    expect(changed.body).toMatchObject({ max_running: 3, rate: null, sub: null, tokens: null });
    const paused = await ask('/limits/openai/pause', 'POST', { seconds: 60 });
    expect(Date.parse(paused.body.paused_until ?? '')).toBeGreaterThan(Date.now() + 50_000);
    expect((await ask('/limits/openai/pause', 'POST')).body.paused_until).toMatch(/^9999/);
    expect((await ask('/limits/openai/resume', 'POST')).body.paused_until).toBeNull();
    await ask('/limits/b', 'PUT', {});
    const first = (await ask('/limits?page_size=1')).body;
    expect(first.limits.map(({ key }) => key)).toEqual(['b']);
    const next = await ask(`/limits?page_size=1&cursor=${first.pagination.next_cursor ?? ''}`);
    expect(next.body.limits.map(({ key }) => key)).toEqual(['openai']);
    expect((await ask('/limits/openai', 'DELETE')).status).toBe(204);
    expect(await ask('/limits/openai')).toMatchObject({
      status: 404,
      body: { code: 'limit_not_found' },
    });
  });

  it.each([
    ['/limits/a%20b', {}],
    ['/limits/..%2f', {}],
    [`/limits/${'x'.repeat(101)}`, {}],
    ['/limits/k', { max_running: 0 }],
    ['/limits/k', { max_running: 1_001 }],
    ['/limits/k', { rate: { count: 1, per_seconds: 0 } }],
    ['/limits/k', { sub_key: 'a' }],
  ])('%s takes no %j', async (path, body) => {
    expect((await ask(path, 'PUT', body)).status).toBe(422);
  });

  it('is written with a scope of its own', async () => {
    const { key } = await storeKey('limited', ['tasks:read', 'tasks:write']);
    const as = { Authorization: `Bearer ${key}` };
    expect((await ask('/limits/k', 'PUT', {}, as)).status).toBe(403);
    expect((await ask('/limits', 'GET', undefined, as)).status).toBe(200);
  });
});

describe('a task under a limit', () => {
  it('waits, says why, and begins when another ends or the limit grows', async () => {
    const limit = { key: 'one', sub_key: 'acme', max_running: 1 };
    const first = await slow({ limit });
    const second = await slow({ limit });
    const third = await slow({ limit });
    expect(first).toMatchObject({ limit: { key: 'one', sub_key: 'acme' } });
    await waitForStatus(first.task_id, 'IN_PROGRESS');
    expect((await read(third.task_id)).waiting_for).toMatchObject({
      reason: 'limit',
      limit: { key: 'one', sub_key: 'acme', running: 1, of: 1, position: 2 },
    });
    expect((await ask('/limits/one')).body).toMatchObject({
      running: 1,
      waiting: 2,
      top_waiting: [{ sub_key: 'acme', waiting: 2, running: 1 }],
    });
    await ask(`/tasks/${first.task_id}/cancel`, 'POST');
    await waitForStatus(second.task_id, 'IN_PROGRESS');
    expect((await read(third.task_id)).status).toBe('PENDING');
    await ask('/limits/one', 'PUT', { max_running: 2 });
    await waitForStatus(third.task_id, 'IN_PROGRESS');
    for (const { task_id } of [second, third]) await ask(`/tasks/${task_id}/cancel`, 'POST');
  });

  it('is limited by its type, though its submit names nothing', async () => {
    await ask('/limits/sum', 'PUT', { max_running: 1 });
    await ask('/limits/sum/pause', 'POST');
    const { task_id } = await submit('sum', { a: 1, b: 2 });
    expect(await read(task_id)).toMatchObject({
      limit: { key: 'sum', sub_key: null },
      waiting_for: { reason: 'limit' },
    });
    await ask('/limits/sum', 'DELETE');
    expect((await finished(task_id)).status).toBe('COMPLETED');
  });

  it('takes the limit that its type says, by a value of its parameters', async () => {
    await ask('/task-types/crunch', 'PUT', {
      description: 'Crunches',
      run: { worker: {} },
      limit: { sub_key: 'params.customer', max_running: 1 },
    });
    const tasks = await Promise.all(['a', 'b'].map((customer) => submit('crunch', { customer })));
    expect(tasks.map(({ limit }) => limit)).toEqual([
      { key: 'crunch', sub_key: 'a' },
      { key: 'crunch', sub_key: 'b' },
    ]);
    const work = await ask('/work', 'POST', { worker: 'w', types: ['crunch'], max: 5 });
    expect((work.body as unknown as { tasks: unknown[] }).tasks).toHaveLength(1);
    const long = await ask('/tasks', 'POST', {
      type: 'crunch',
      params: { customer: 'x'.repeat(201) },
    });
    expect(long).toMatchObject({ status: 422, body: { errors: [{ path: 'params.customer' }] } });
  });

  it('expires when it has not begun in time', async () => {
    await ask('/limits/shut', 'PUT', {});
    await ask('/limits/shut/pause', 'POST');
    const { task_id } = await submit(
      'sum',
      { a: 1, b: 2 },
      { limit: { key: 'shut' }, expires_in_seconds: 0.05 },
    );
    const ended = await finished(task_id);
    expect(ended).toMatchObject({ status: 'CANCELLED', end_reason: 'expired' });
    expect((await ask('/limits/shut')).body.waiting).toBe(0);
    await ask('/limits/shut/resume', 'POST');
    await ask(`/tasks/${task_id}/retry`, 'POST');
    expect(await finished(task_id)).toMatchObject({ status: 'COMPLETED', end_reason: null });
    const late = { delay_seconds: 5, expires_in_seconds: 5 };
    expect(
      (await ask('/tasks', 'POST', { type: 'sum', params: { a: 1, b: 2 }, ...late })).status,
    ).toBe(422);
  });
});

describe('a unique task', () => {
  const body = (more: object = {}, unique: object = {}) => ({
    type: 'simulate',
    params: { duration: 30 },
    delay_seconds: 60,
    unique: { key: 'k', ...unique },
    ...more,
  });

  it('returns the other, refuses, or replaces', async () => {
    const first = (await ask('/tasks', 'POST', body())).body as unknown as TaskDetail;
    const again = await ask('/tasks', 'POST', body({ title: 'again' }));
    expect(again.status).toBe(202);
    expect(again.headers.get('Unique-Conflict')).toBe('returned');
    expect(again.body).toMatchObject({ task_id: first.task_id, title: null });
    expect(await ask('/tasks', 'POST', body({}, { on_conflict: 'refuse' }))).toMatchObject({
      status: 409,
      body: { code: 'duplicate', task_id: first.task_id },
    });
    const replaced = await ask(
      '/tasks',
      'POST',
      body({ title: 'new', priority: 'HIGH' }, { on_conflict: 'replace', at_most_seconds: 1.0005 }),
    );
    expect(replaced.headers.get('Unique-Conflict')).toBe('replaced');
    expect(replaced.body).toMatchObject({
      task_id: first.task_id,
      title: 'new',
      version: 2,
      queue: 'external-high',
    });
    const { scheduled_at } = replaced.body as unknown as TaskDetail;
    expect(Date.parse(scheduled_at ?? '') - Date.parse(first.submitted_at)).toBeLessThan(1_100);
    // It begins, and is beside the next one.
    await waitForStatus(first.task_id, 'IN_PROGRESS');
    const beside = await ask('/tasks', 'POST', body({}, { on_conflict: 'replace' }));
    expect(beside.body).not.toMatchObject({ task_id: first.task_id });
    await ask(`/tasks/${first.task_id}/cancel`, 'POST');
    expect(await ask(`/tasks/${first.task_id}/retry`, 'POST')).toMatchObject({
      status: 409,
      body: { code: 'duplicate' },
    });
  });

  it('is one among many, and the same under one Idempotency-Key', async () => {
    const tasks = [body(), body({}, { key: 'other' }), body()];
    const bulk = (key: string) => ask('/tasks/bulk', 'POST', { tasks }, { 'Idempotency-Key': key });
    const idsOf = ({ body: of }: { body: unknown }) =>
      (of as { tasks: { task_id: string }[] }).tasks.map(({ task_id }) => task_id);
    const ids = idsOf(await bulk('a'));
    expect(ids[2]).toBe(ids[0]);
    expect(idsOf(await bulk('b'))).toEqual(ids);
    expect(idsOf(await bulk('a'))).toEqual(ids);
    const strict = await ask('/tasks/bulk', 'POST', {
      tasks: [body({}, { key: 'third' }), body({}, { on_conflict: 'refuse' })],
    });
    expect(strict.status).toBe(409);
    const twice = { key: 'fourth', on_conflict: 'refuse' };
    const own = await ask('/tasks/bulk', 'POST', {
      tasks: [body({}, { key: 'third' }), body({}, twice), body({}, twice)],
    });
    expect(own.status).toBe(409);
    const left = await env.DB.prepare('SELECT count(*) AS n FROM tasks').first<number>('n');
    expect(left).toBe(2);
  });

  it('is told by its type and parameters where it has no key', async () => {
    const same = { type: 'simulate', params: { duration: 30 }, delay_seconds: 60, unique: {} };
    const ids = await Promise.all(
      [same, same, { ...same, params: { duration: 31 } }].map(
        async (each) => ((await ask('/tasks', 'POST', each)).body as unknown as TaskDetail).task_id,
      ),
    );
    expect(new Set(ids).size).toBe(2);
  });

  it.each([
    [{ on_conflict: 'other' }],
    [{ while: 0 }],
    [{ while: 'ever' }],
    [{ key: '' }],
    [{ at_most_seconds: 5 }],
  ])('takes no %j', async (unique) => {
    expect((await ask('/tasks', 'POST', body({}, unique))).status).toBe(422);
  });
});
