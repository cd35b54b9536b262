import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { TaskDetail, TaskView } from '../../src/domain/view.ts';
import { isFinal } from '../../src/domain/words.ts';
import { chooseDispatcher } from '../../src/engine/dispatcher.ts';
import { getServices } from '../../src/wiring/services.ts';
import { call } from '../support/client.ts';
import { observeDatabase } from '../support/database.ts';

// Two databases: the second one has the owner `second`, the first one all others.

const second = (env as unknown as { DB_1: D1Database }).DB_1;
const count = async (database: D1Database, table: string, owner: string): Promise<number> =>
  Number(
    await database
      .prepare(`SELECT count(*) AS n FROM ${table} WHERE owner = ?1`)
      .bind(owner)
      .first('n'),
  );
let key: string;
let keyId: string;
const ask = (
  path: string,
  init: Omit<RequestInit, 'headers'> & { json?: unknown; headers?: Record<string, string> } = {},
): Promise<Response> =>
  call(path, { ...init, headers: { ...init.headers, Authorization: `Bearer ${key}` } });
const submit = async (type: string, params: object, more: object = {}): Promise<TaskView> =>
  (await ask('/tasks', { json: { type, params, ...more } })).json();
const finish = (id: string): Promise<TaskDetail> =>
  vi.waitUntil(
    async () => {
      const task = await (await ask(`/tasks/${id}`)).json<TaskDetail>();
      return isFinal(task.status) && task;
    },
    { timeout: 10_000, interval: 20 },
  );

beforeAll(async () => {
  // The first database is larger: it has the usual key and what goes with it.
  const filler = 'x'.repeat(1_000_000);
  await env.DB.prepare(`INSERT INTO owner_shards (owner, shard, step) VALUES ('filler', 0, ?1)`)
    .bind(filler)
    .run();
  const made = await call('/keys', {
    json: { owner: 'second', name: 'second', scopes: ['admin', 'operator'] },
  });
  ({ key, id: keyId } = await made.json<{ key: string; id: string }>());
});

it('pins an owner to the database with the most room, when it gets its first key', async () => {
  const { results } = await env.DB.prepare(
    "SELECT * FROM owner_shards WHERE owner <> 'filler'",
  ).all();
  expect(results).toEqual([
    { owner: 'second', shard: 1, moving_to: null, moving_since: null, step: null },
  ]);
  // Its second key changes nothing.
  await call('/keys', { json: { owner: 'second', name: 'other', scopes: ['tasks:read'] } });
  expect(await env.DB.prepare('SELECT count(*) AS n FROM owner_shards').first('n')).toBe(2);
});

describe('an owner of the second database', () => {
  it('has all that belongs to it there', async () => {
    const { task_id } = await submit('sum', { a: 5, b: 3 });
    expect(await finish(task_id)).toMatchObject({ status: 'COMPLETED', result: { result: 8 } });
    expect([
      await count(env.DB, 'tasks', 'second'),
      await count(second, 'tasks', 'second'),
    ]).toEqual([0, 1]);
    expect((await call(`/tasks/${task_id}`)).status).toBe(404);
    const list = await (await ask('/tasks')).json<{ tasks: TaskView[] }>();
    expect(list.tasks.map((task) => task.task_id)).toEqual([task_id]);
  });

  it('retries, runs flows, fires schedules and keeps limits there', async () => {
    const flaky = await submit('flaky', { failures: 1 });
    expect(await finish(flaky.task_id)).toMatchObject({ status: 'COMPLETED', attempt: 2 });
    const flow = await ask('/flows', {
      json: {
        tasks: {
          a: { type: 'sum', params: { a: 1, b: 2 } },
          b: { type: 'sum', params: { a: { $from: 'a.result.result' }, b: 1 } },
        },
      },
    });
    const { flow_id } = await flow.json<{ flow_id: string }>();
    await vi.waitUntil(
      async () =>
        (await (await ask(`/flows/${flow_id}`)).json<{ status: string }>()).status === 'COMPLETED',
      { timeout: 10_000 },
    );
    const made = await ask('/schedules', {
      json: { name: 'each', cron: '0 0 1 1 *', task: { type: 'sum', params: { a: 1, b: 1 } } },
    });
    expect(made.status).toBe(201);
    expect((await ask('/schedules/each/trigger', { method: 'POST' })).status).toBe(202);
    await ask('/limits/slow', { method: 'PUT', json: { max_running: 1 } });
    const limited = await submit('sum', { a: 1, b: 1 }, { limit: { key: 'slow' } });
    expect(await finish(limited.task_id)).toMatchObject({ status: 'COMPLETED' });
    for (const table of ['flows', 'schedules', 'limits'])
      expect([await count(env.DB, table, 'second'), await count(second, table, 'second')]).toEqual([
        0, 1,
      ]);
  });

  it('costs a request no read more than one of the first database', async () => {
    const { task_id } = await submit('sum', { a: 1, b: 1 });
    await finish(task_id);
    const read = async (ask_: () => Promise<Response>): Promise<string[]> => {
      const { asked, stop } = observeDatabase();
      await ask_();
      stop();
      return asked.map(({ name }) => name);
    };
    const first = await call('/tasks', { json: { type: 'sum', params: { a: 1, b: 1 } } });
    const { task_id: id } = await first.json<TaskView>();
    await vi.waitUntil(async () =>
      isFinal((await (await call(`/tasks/${id}`)).json<TaskView>()).status),
    );
    const noCache = { headers: { 'Cache-Control': 'no-cache' } };
    for (const { apiKeyCache } of [getServices(env)]) apiKeyCache.invalidate();
    const inFirst = await read(() => call(`/tasks/${id}`, noCache));
    const inSecond = await read(() => ask(`/tasks/${task_id}`, noCache));
    expect([inSecond.length, inSecond.at(-1)]).toEqual([inFirst.length, inFirst.at(-1)]);
  });

  it('has live streams, deliveries and the clock of its own', async () => {
    const response = await ask('/events', { headers: { Upgrade: 'websocket' } });
    const socket = response.webSocket ?? expect.fail('No stream');
    const frames: string[] = [];
    socket.addEventListener('message', ({ data }) => void frames.push(String(data)));
    socket.accept();
    const { task_id } = await submit('sum', { a: 2, b: 2 });
    await vi.waitUntil(() => frames.some((frame) => frame.includes(task_id)), { timeout: 10_000 });
    socket.close(1000);
    // A message that was lost: its own Dispatcher brings the task back.
    const { sweeps } = getServices(env, 1).dispatcherDeps;
    expect((await sweeps.readNextWake()).scheduleAt).not.toBeNull();
    const name = await env.DISPATCHER.getByName(chooseDispatcher(1)).isAccepting();
    expect(name).toBe(true);
  });

  it('gets its tasks back where it lives, whoever restores them', async () => {
    const { task_id } = await submit('sum', { a: 4, b: 4 });
    await finish(task_id);
    const own = await call('/tasks', { json: { type: 'sum', params: { a: 9, b: 9 } } });
    const { task_id: others } = await own.json<TaskView>();
    await vi.waitUntil(async () =>
      isFinal((await (await call(`/tasks/${others}`)).json<TaskView>()).status),
    );
    const lines = async (from: typeof call, id: string): Promise<string> => {
      const text = await (await from('/export')).text();
      return text.split('\n').find((line) => line.includes(id)) ?? expect.fail('No line');
    };
    // Of owners of both databases, in one request.
    const body = `${await lines(call, others)}\n${await lines(ask as typeof call, task_id)}\n`;
    for (const [from, id] of [[call, others] as const, [ask as typeof call, task_id] as const])
      expect((await from(`/tasks/${id}`, { method: 'DELETE' })).status).toBe(204);
    const [before, beforeFirst] = [
      await count(second, 'tasks', 'second'),
      await count(env.DB, 'tasks', 'local'),
    ];
    const restore = () =>
      call('/restore', {
        method: 'POST',
        headers: { 'Content-Type': 'application/x-ndjson' },
        body,
      });
    expect(await (await restore()).json()).toEqual({ restored: 2, skipped: 0 });
    expect(await (await restore()).json()).toEqual({ restored: 0, skipped: 2 });
    expect([
      await count(second, 'tasks', 'second'),
      await count(env.DB, 'tasks', 'local'),
      await count(env.DB, 'tasks', 'second'),
    ]).toEqual([before + 1, beforeFirst + 1, 0]);
    expect(await finish(task_id)).toMatchObject({ status: 'COMPLETED', result: { result: 8 } });
  });

  it('is revoked in both, and its schedules with it', async () => {
    const made = await call('/keys', {
      json: { owner: 'second', name: 'third', scopes: ['admin'] },
    });
    const { id } = await made.json<{ id: string }>();
    await call(`/keys/${id}`, { method: 'DELETE' });
    for (const database of [env.DB, second])
      expect(
        await database
          .prepare('SELECT revoked_at FROM keys WHERE id = ?')
          .bind(id)
          .first('revoked_at'),
      ).not.toBeNull();
    expect(keyId).toBeDefined();
  });
});

describe('what is of all owners', () => {
  it('goes over all databases', async () => {
    const health = await (await call('/health')).json();
    expect(health).toMatchObject({ status: 'ok' });
    const metrics = await (await call('/metrics')).text();
    expect(metrics).toMatch(/tasker_shard_bytes\{shard="0"\} \d+/);
    expect(metrics).toMatch(/tasker_shard_bytes\{shard="1"\} \d+/);
    expect((await call('/queues/default-low/pause', { method: 'POST' })).status).toBe(200);
    const waiting = await submit('sum', { a: 1, b: 1 }, { priority: 'LOW' });
    const own = await call('/tasks', {
      json: { type: 'sum', params: { a: 1, b: 1 }, priority: 'LOW' },
    });
    const { queues } = await (
      await call('/queues')
    ).json<{
      queues: { name: string; paused: boolean; waiting: number }[];
    }>();
    expect(queues.find(({ name }) => name === 'default-low')).toMatchObject({
      paused: true,
      waiting: 2,
    });
    await call('/queues/default-low/resume', { method: 'POST' });
    expect(await finish(waiting.task_id)).toMatchObject({ status: 'COMPLETED' });
    expect(own.status).toBe(202);
  });

  it('erases an owner wherever it is, and leaves it pinned', async () => {
    const before = await count(second, 'tasks', 'second');
    const erased = await (await call('/owners/second', { method: 'DELETE' })).json();
    expect(erased).toMatchObject({ owner: 'second', tasks: before });
    for (const database of [env.DB, second])
      for (const table of ['tasks', 'schedules', 'flows', 'keys'])
        expect(await count(database, table, 'second')).toBe(0);
    expect(
      await env.DB.prepare("SELECT shard FROM owner_shards WHERE owner = 'second'").first('shard'),
    ).toBe(1);
    expect((await ask('/tasks')).status).toBe(401);
  });
});
