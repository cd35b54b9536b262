import { createExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import type { TaskView } from '../../../../src/domain/view.ts';
import { call, finished } from '../../../support/client.ts';
import { breakDatabase, observeDatabase } from '../../../support/database.ts';
import { usualKey } from '../../../support/keys.ts';

const sum = (a: number): object => ({ type: 'sum', params: { a, b: 1 } });
const bulk = (tasks: unknown, headers: HeadersInit = {}): Promise<Response> =>
  call('/tasks/bulk', { json: { tasks }, headers });
interface Accepted {
  accepted: number;
  tasks: { task_id: string; status: string }[];
}

describe('a bulk submit', () => {
  it('of 1 000 takes at most 12 statements, and all of them run', async () => {
    const { asked, stop } = observeDatabase();
    const startedAt = Date.now();
    const response = await bulk(Array.from({ length: 1_000 }, (_, i) => sum(i)));
    const ms = Date.now() - startedAt;
    stop();
    const { accepted, tasks } = await response.json<Accepted>();
    expect([response.status, accepted, new Set(tasks.map(({ task_id }) => task_id)).size]).toEqual([
      202, 1_000, 1_000,
    ]);
    const inserts = asked.filter(({ name }) => name === 'tasks.insert').length;
    console.log(`1 000 in one call: ${ms} ms, ${inserts} INSERT statements`);
    expect(inserts).toBeLessThanOrEqual(12);
    expect((await finished(tasks.at(-1)?.task_id ?? '')).result).toMatchObject({ result: 1_000 });
  });

  it('is refused as a whole, each bad item by its index', async () => {
    const before = await env.DB.prepare('SELECT count(*) AS n FROM tasks').first<number>('n');
    const response = await bulk([sum(1), { type: 'sum', params: { a: 'x' } }, { type: 'bogus' }]);
    const { errors } = await response.json<{ errors: { path: string; code: string }[] }>();
    expect(response.status).toBe(422);
    expect(errors.map(({ path }) => path)).toEqual([
      'tasks.1.params.a',
      'tasks.1.params.b',
      'tasks.2.type',
    ]);
    const shape = await (
      await bulk([sum(1), { type: 5, surplus: 1 }])
    ).json<{ errors: { path: string }[] }>();
    expect(shape.errors.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['tasks.1.type', 'tasks.1.surplus']),
    );
    const mixed = await (
      await bulk([
        { type: 'bogus' },
        { type: 'sum', params: { a: 'x', b: 1 } },
        { ...sum(1), surplus: 1, params: { a: 1 } },
      ])
    ).json<{ errors: { path: string }[] }>();
    expect(mixed.errors.map(({ path }) => path)).toEqual([
      'tasks.0.type',
      'tasks.1.params.a',
      'tasks.2.surplus',
      'tasks.2.params.b',
    ]);
    expect(await env.DB.prepare('SELECT count(*) AS n FROM tasks').first<number>('n')).toBe(before);
  });

  it('stores nothing when one of its keys was used with another body', async () => {
    const send = (tasks: object[]) =>
      call('/tasks/bulk', { json: { tasks }, headers: { 'Idempotency-Key': 'conflict' } });
    await send([sum(1)]);
    const refused = await send([sum(2), { ...sum(1), tags: ['leak'] }]);
    expect([refused.status, await refused.json()]).toMatchObject([
      422,
      { code: 'idempotency_key_reused', errors: [{ path: 'tasks.0' }] },
    ]);
    expect(await (await call('/tasks?tag=leak&cursor=')).json()).toMatchObject({ tasks: [] });
    expect((await send([sum(1), { ...sum(1), tags: ['more'] }])).status).toBe(202);
  });

  it.each([[[]], [Array.from({ length: 1_001 }, () => sum(1))], ['text'], [null]])(
    'refuses none, too many, and no list',
    async (tasks) => {
      expect((await bulk(tasks)).status).toBe(422);
    },
  );

  it('may have 1 MB, and no more', async () => {
    const padded = (chars: number) =>
      bulk([
        { type: 'longest_consecutive_letters', params: { string: 'a' } },
        ...Array.from({ length: chars / 10_000 }, () => ({
          ...sum(1),
          description: undefined,
          title: 'x'.repeat(150),
          tags: [],
          params: { a: 1, b: 1 },
        })),
      ]);
    expect((await padded(500_000)).status).toBe(202);
    const large = await call('/tasks/bulk', {
      json: { tasks: [{ type: 'data_processing', params: { data: 'x'.repeat(1_100_000) } }] },
    });
    expect(large.status).toBe(413);
  });

  it('uses outputs again, with one read', async () => {
    const item = { type: 'longest_consecutive_letters', params: { string: 'bulk reuse' } };
    const { task_id } = await (await call('/tasks', { json: item })).json<TaskView>();
    await finished(task_id);
    const { asked, stop } = observeDatabase();
    const { tasks } = await (await bulk([item, sum(1), item])).json<Accepted>();
    stop();
    expect(tasks.map(({ status }) => status)).toEqual(['COMPLETED', 'PENDING', 'COMPLETED']);
    expect(asked.filter(({ name }) => name === 'tasks.find_reusable')).toHaveLength(1);
  });
});

describe('an Idempotency-Key', () => {
  const post = (key: string, json: object = sum(1), path = '/tasks') =>
    call(path, { json, headers: { 'Idempotency-Key': key } });

  it('makes one task of 50 submits at once', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => post('fifty')));
    const tasks = await Promise.all(answers.map((answer) => answer.json<TaskView>()));
    expect(new Set(tasks.map(({ task_id }) => task_id)).size).toBe(1);
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 202));
    expect(
      answers.filter(({ headers }) => headers.get('Idempotent-Replayed') === 'true'),
    ).toHaveLength(49);
    expect(
      await env.DB.prepare(`SELECT count(*) AS n FROM tasks WHERE idempotency_key = 'fifty'`).first(
        'n',
      ),
    ).toBe(1);
  });

  it('gives back the stored task, whatever became of it', async () => {
    const first = await (await post('later')).json<TaskView>();
    await finished(first.task_id);
    const again = await post('later');
    expect(again.status).toBe(202);
    expect(again.headers.get('Location')).toBe(`/tasks/${first.task_id}`);
    expect(await again.json()).toMatchObject({
      task_id: first.task_id,
      status: 'COMPLETED',
      result: { result: 2 },
    });
    // Equal after defaults and whatever the order of the fields.
    const same = await post('later', { priority: 'normal', params: { b: 1, a: 1 }, type: 'sum' });
    expect(same.headers.get('Idempotent-Replayed')).toBe('true');
  });

  it('with another body is refused, and names the task', async () => {
    const { task_id } = await (await post('reused')).json<TaskView>();
    const other = await post('reused', sum(2));
    expect(other.status).toBe(422);
    expect(await other.json()).toMatchObject({ code: 'idempotency_key_reused', task_id });
  });

  it('is kept as long as the task', async () => {
    const { task_id } = await (await post('deleted')).json<TaskView>();
    await finished(task_id);
    await call(`/tasks/${task_id}`, { method: 'DELETE' });
    const anew = await post('deleted');
    expect(anew.headers.get('Idempotent-Replayed')).toBeNull();
    expect((await anew.json<TaskView>()).task_id).not.toBe(task_id);
  });

  it('of a bulk is one for each item', async () => {
    const send = () =>
      call('/tasks/bulk', {
        json: { tasks: [sum(1), sum(2)] },
        headers: { 'Idempotency-Key': 'K' },
      });
    const first = await (await send()).json<Accepted>();
    const again = await send();
    expect(again.headers.get('Idempotent-Replayed')).toBe('true');
    expect((await again.json<Accepted>()).tasks.map(({ task_id }) => task_id)).toEqual(
      first.tasks.map(({ task_id }) => task_id),
    );
    const single = await post('K#1', sum(2));
    expect((await single.json<TaskView>()).task_id).toBe(first.tasks[1]?.task_id);
  });

  it('works on every way to submit', async () => {
    const bodies = {
      '/run-task': { task_name: 'sum', task_parameters: { a: 1, b: 1 } },
      '/api/tasks': { task_type: 'sum', parameters: { a: 1, b: 1 } },
      '/tasks/retry': { failures: 0 },
    };
    for (const [path, body] of Object.entries(bodies)) {
      await post(`on ${path}`, body, path);
      expect((await post(`on ${path}`, body, path)).headers.get('Idempotent-Replayed')).toBe(
        'true',
      );
    }
  });

  it.each(['', 'x'.repeat(201), 'tab\tin', 'é'])('refuses the key %j', async (key) => {
    const response = await post(key).catch(() => null);
    if (response) expect(response.status).toBe(422);
  });
});

describe('Prefer: wait', () => {
  const post = (json: object, prefer: string) =>
    call('/tasks', { json, headers: { Prefer: prefer } });

  it('answers with the finished task', async () => {
    const response = await post(sum(41), 'wait=10');
    expect([response.status, response.headers.get('Preference-Applied')]).toEqual([200, 'wait=10']);
    expect(await response.json()).toMatchObject({ status: 'COMPLETED', result: { result: 42 } });
  });

  it('answers after the time that it was granted', async () => {
    const startedAt = Date.now();
    const response = await post(
      { type: 'simulate', params: { duration: 30 } },
      'respond-async, wait=1',
    );
    expect(response.status).toBe(202);
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(1_000);
    const { task_id } = await response.json<TaskView>();
    await call(`/tasks/${task_id}/cancel`, { method: 'POST' });
  });

  it('waits 25 s at most, and not for what cannot be understood', async () => {
    expect((await post(sum(1), 'wait=999999')).headers.get('Preference-Applied')).toBe('wait=25');
    for (const prefer of ['wait=soon', 'waiting=5', 'wait=-1', 'return=minimal']) {
      const response = await post(sum(1), prefer);
      expect([response.status, response.headers.get('Preference-Applied')]).toEqual([202, null]);
    }
  });

  it('also answers a replay that is final with 200', async () => {
    const headers = { 'Idempotency-Key': 'waited for', Prefer: 'wait=10' };
    const first = await call('/tasks', { json: sum(1), headers });
    const again = await call('/tasks', { json: sum(1), headers });
    expect([first.status, again.status, again.headers.get('Idempotent-Replayed')]).toEqual([
      200,
      200,
      'true',
    ]);
  });

  it('keeps what it began alive until its outcome is recorded, should the caller leave', async () => {
    const { default: worker } = await import('../../../../src/index.ts');
    const ctx = createExecutionContext();
    const kept = vi.spyOn(ctx, 'waitUntil');
    const answering = worker.fetch(
      new Request('http://localhost/tasks', {
        method: 'POST',
        headers: {
          Authorization: `Bearer ${usualKey.key}`,
          'Content-Type': 'application/json',
          Prefer: 'wait=10',
        },
        body: JSON.stringify({ type: 'flaky', title: 'left alone', params: { failures: 0 } }),
      }),
      env,
      ctx,
    );
    await vi.waitUntil(() => kept.mock.calls.length > 0);
    await Promise.all(kept.mock.calls.map(([work]) => work));
    const row = env.DB.prepare("SELECT status, attempt FROM tasks WHERE title = 'left alone'");
    expect(await row.first()).toEqual({ status: 'COMPLETED', attempt: 1 });
    expect((await answering).status).toBe(200);
  });
});

it('is accepted although the database stops to answer while its caller waits', async () => {
  const answering = call('/tasks', {
    json: { ...sum(1), delay_seconds: 600, title: 'waited for in vain' },
    headers: { Prefer: 'wait=1' },
  });
  const stored = env.DB.prepare("SELECT 1 AS n FROM tasks WHERE title = 'waited for in vain'");
  await vi.waitUntil(async () => (await stored.first('n')) !== null);
  const broken = breakDatabase(null, 'before');
  const answer = await answering;
  broken.mend();
  const { task_id, status } = await answer.json<TaskView>();
  expect([answer.status, status]).toEqual([202, 'NEW']);
  expect((await call(`/tasks/${task_id}`)).status).toBe(200);
});
