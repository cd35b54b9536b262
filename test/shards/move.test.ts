import { env } from 'cloudflare:workers';
import { beforeAll, expect, it, vi } from 'vitest';
import type { TaskDetail, TaskView } from '../../src/domain/view.ts';
import { isFinal } from '../../src/domain/words.ts';
import { createMover, type MoveProgress } from '../../src/engine/mover.ts';
import { createMoves } from '../../src/store/moves.ts';
import { MOVE_TABLES } from '../../src/store/move-tables.ts';
import { getServices } from '../../src/wiring/services.ts';
import { call } from '../support/client.ts';

const first = env.DB;
const second = (env as unknown as { DB_1: D1Database }).DB_1;
const databases = [first, second];

/** A mover that need not wait, and that may be stopped after so many steps of the database. */
const moverOf = (stopAfter = Infinity) => {
  let left = stopAfter;
  const stop = (): void => {
    left -= 1;
    if (left < 0) throw new Error('killed');
  };
  const { homes, shardStore } = getServices(env);
  return createMover({
    shards: {
      ...shardStore,
      noteStep: async (...given) => {
        stop();
        const noted = await shardStore.noteStep(...given);
        stop();
        return noted;
      },
      switch: async (...given) => {
        stop();
        const switched = await shardStore.switch(...given);
        await homes.findMany([given[0].owner]);
        stop();
        return switched;
      },
    },
    count: 2,
    knownAfterMs: 0,
    arrivedAfterMs: 0,
    findMoves: (from, to) =>
      createMoves(databases[from] as D1Database, databases[to] as D1Database),
    wakeClock: (shard) => getServices(env, shard).dispatcher.ensureAlarmBy(Date.now()),
    now: Date.now,
  });
};
const moveTo = async (owner: string, to: number): Promise<MoveProgress> => {
  for (;;) {
    const progress = await moverOf().move(owner, to);
    if (progress.phase === 'done') {
      await getServices(env).homes.findMany([owner]);
      return progress;
    }
  }
};
const rowsOf = async (database: D1Database, table: string, owner: string) =>
  (await database.prepare(`SELECT * FROM ${table} WHERE owner = ?1`).bind(owner).all()).results;

let key: string;
const ask = (
  path: string,
  init: Omit<RequestInit, 'headers'> & { json?: unknown } = {},
): Promise<Response> => call(path, { ...init, headers: { Authorization: `Bearer ${key}` } });
const submit = async (type: string, params: object, more: object = {}): Promise<TaskView> => {
  const response = await ask('/tasks', { json: { type, params, ...more } });
  expect(response.status).toBe(202);
  return response.json();
};
const finish = (id: string): Promise<TaskDetail> =>
  vi.waitUntil(
    async () => {
      const task = await (await ask(`/tasks/${id}`)).json<TaskDetail>();
      return isFinal(task.status) && task;
    },
    { timeout: 15_000, interval: 50 },
  );

beforeAll(async () => {
  const made = await call('/keys', {
    json: { owner: 'ann', name: 'ann', scopes: ['admin', 'work'] },
  });
  ({ key } = await made.json<{ key: string }>());
  await getServices(env).homes.findMany(['ann']);
});

it('takes all that an owner has along, to and fro, and it goes on there', async () => {
  const start = (await getServices(env).homes.find('ann')).shard;
  const target = 1 - start;
  const done = await submit('sum', { a: 1, b: 2 }, { callback_url: 'https://receiver.example/' });
  await finish(done.task_id);
  const failed = await submit('broken', {}, { max_attempts: 1, title: 'Order ORD-4711' });
  await finish(failed.task_id);
  const later = await submit('sum', { a: 2, b: 2 }, { delay_seconds: 3_600 });
  const unique = await submit(
    'sum',
    { a: 3, b: 3 },
    { delay_seconds: 3_600, unique: { key: 'u' } },
  );
  await ask('/task-types/mine', {
    method: 'PUT',
    json: { description: 'Mine', run: { worker: {} } },
  });
  const leased = await submit('mine', { n: 1 });
  const work = await ask('/work', { json: { worker: 'w', types: ['mine'], max: 1 } });
  const { tasks } = await work.json<{ tasks: { run: string }[] }>();
  const waiting = await submit('mine', { n: 2 });
  await ask('/limits/slow', { method: 'PUT', json: { max_running: 1 } });
  await ask('/schedules', {
    json: { name: 'daily', cron: '0 0 1 1 *', task: { type: 'sum', params: { a: 1, b: 1 } } },
  });
  const flow = await ask('/flows', {
    json: {
      tasks: {
        a: { type: 'simulate', params: { duration: 0.1 } },
        list: {
          type: 'sum',
          params: { a: 1, b: { $from: 'item' } },
          for_each: { $from: 'src.result.longest' },
          after: ['a'],
        },
        src: { type: 'sum', params: { a: 1, b: 1 } },
        late: { type: 'sum', params: { a: 1, b: 1 }, delay_seconds: 3_600 },
      },
    },
  });
  expect([202, 422]).toContain(flow.status);
  const tables = MOVE_TABLES.filter(({ name }) => name !== 'keys');
  const before = new Map<string, unknown[]>();
  const comparable = (rows: Record<string, unknown>[]) =>
    rows
      .map((row) => ({ ...row, wake_at: row['wake_at'] === null ? null : 'set' }))
      .map((row) => JSON.stringify(row))
      .toSorted();
  await vi.waitUntil(
    async () => {
      const { results } = await (databases[start] as D1Database)
        .prepare(`SELECT 1 FROM tasks WHERE owner = 'ann' AND status = 'PENDING' AND held IS NULL`)
        .all();
      return results.length === 0;
    },
    { timeout: 15_000 },
  );
  for (const { name } of tables)
    before.set(name, comparable(await rowsOf(databases[start] as D1Database, name, 'ann')));
  await moveTo('ann', target);
  for (const { name } of tables) {
    expect([name, await rowsOf(databases[start] as D1Database, name, 'ann')]).toEqual([name, []]);
    expect([name, comparable(await rowsOf(databases[target] as D1Database, name, 'ann'))]).toEqual([
      name,
      before.get(name),
    ]);
  }
  const { results: triggers } = await (databases[start] as D1Database)
    .prepare(`SELECT name FROM sqlite_master WHERE name LIKE 'fence_%'`)
    .all();
  expect(triggers).toEqual([]);
  // It goes on: by the run that was leased before, by a worker, by search, by a retry, by its schedule.
  const end = await ask('/work', {
    json: { worker: 'w', types: ['mine'], max: 1, done: [{ run: tasks[0]?.run, result: 1 }] },
  });
  const settled = await end.json<{ settled: object[]; tasks: { task_id: string }[] }>();
  expect(settled).toMatchObject({
    settled: [{ recorded: true, status: 'COMPLETED' }],
    tasks: [{ task_id: waiting.task_id }],
  });
  expect(await finish(leased.task_id)).toMatchObject({ result: 1 });
  const dup = await submit('sum', { a: 3, b: 3 }, { unique: { key: 'u' } });
  expect(dup.task_id).toBe(unique.task_id);
  expect((await ask(`/tasks/${failed.task_id}/retry`, { method: 'POST' })).status).toBe(200);
  expect(await finish(failed.task_id)).toMatchObject({ status: 'FAILED', attempt: 2 });
  expect((await ask('/schedules/daily/trigger', { method: 'POST' })).status).toBe(202);
  expect((await ask(`/tasks/${later.task_id}/cancel`, { method: 'POST' })).status).toBe(200);
  expect((await ask(`/tasks/${done.task_id}`)).status).toBe(200);
  await moveTo('ann', start);
  expect(await rowsOf(databases[target] as D1Database, 'tasks', 'ann')).toEqual([]);
  const again = await submit('sum', { a: 1, b: 1 });
  expect(await finish(again.task_id)).toMatchObject({ status: 'COMPLETED' });
}, 60_000);

it('loses nothing and does nothing twice, wherever it is interrupted', async () => {
  const total = 40;
  for (let stopAfter = 0; stopAfter < 34; stopAfter += 3) {
    const start = (await getServices(env).homes.find('ann')).shard;
    const ids: string[] = [];
    const bulk = await ask('/tasks/bulk', {
      json: {
        tasks: Array.from({ length: total }, (_, a) => ({ type: 'sum', params: { a, b: 1 } })),
      },
    });
    for (const { task_id } of (await bulk.json<{ tasks: TaskView[] }>()).tasks) ids.push(task_id);
    await moverOf(stopAfter)
      .move('ann', 1 - start)
      .catch(() => {});
    await moveTo('ann', 1 - start);
    for (const id of ids)
      expect(await finish(id)).toMatchObject({ status: 'COMPLETED', attempt: 1 });
    for (const [n, database] of databases.entries()) {
      const rows = await rowsOf(database, 'tasks', 'ann');
      expect(rows.length > 0).toBe(n === 1 - start);
    }
  }
}, 120_000);

it('refuses writes while the owner is on its way, and says when to come again', async () => {
  const { shardStore, homes } = getServices(env);
  const start = (await homes.find('ann')).shard;
  const move = await shardStore.beginMove('ann', 1 - start, 5, '{}');
  await homes.findMany(['ann']);
  const refused = await ask('/tasks', { json: { type: 'sum', params: { a: 1, b: 1 } } });
  expect([refused.status, refused.headers.get('Retry-After'), await refused.json()]).toMatchObject([
    503,
    '5',
    { code: 'owner_moving' },
  ]);
  expect((await ask('/tasks')).status).toBe(200);
  if (move) await shardStore.endMove(move);
  await homes.findMany(['ann']);
});

it('knows its shards', async () => {
  const moves = (json: object) => call('/shards/moves', { json });
  expect((await moves({ owner: 'ann', to: 2 })).status).toBe(404);
  const home = (await getServices(env).homes.find('ann')).shard;
  expect(await (await moves({ owner: 'ann', to: home })).json()).toMatchObject({ phase: 'done' });
  const { shards } = await (await call('/shards')).json<{ shards: object[] }>();
  expect(shards).toHaveLength(2);
  expect(shards[home]).toMatchObject({ pinned: 1, owners: expect.any(Number) });
  const owners = await (await call(`/shards/owners?shard=${home}`)).json();
  expect(owners).toMatchObject({ owners: [{ owner: 'ann', shard: home, moving_to: null }] });
});

it('pins the next owner where the fewest are, of databases of about one size', async () => {
  const home = (await getServices(env).homes.find('ann')).shard;
  await call('/keys', { json: { owner: 'ben', name: 'ben', scopes: ['tasks:read'] } });
  expect(await getServices(env).shardStore.find(['ben'])).toMatchObject([{ shard: 1 - home }]);
});

it('moves the owner of whoever moves it, and restores or erases none that is on its way', async () => {
  const { shardStore, homes } = getServices(env);
  expect((await call('/shards/moves', { json: { owner: 'local', to: 1 } })).status).toBe(200);
  await homes.findMany(['local']);
  const write = await call('/tasks', { json: { type: 'sum', params: { a: 1, b: 1 } } });
  expect(write.status).toBe(503);
  const again = await call('/shards/moves', { json: { owner: 'local', to: 1 } });
  expect([again.status, await again.json()]).toMatchObject([200, { phase: 'announced' }]);
  expect((await call('/queues/default-low/resume', { method: 'POST' })).status).toBe(200);
  // By an operator who stays.
  const made = await call('/keys', {
    json: { owner: 'operator', name: 'o', scopes: ['operator', 'admin'] },
  });
  expect(made.status).toBe(503);
  const [local] = await shardStore.find(['local']);
  if (local) await shardStore.endMove(local);
  await homes.findMany(['local']);
  const ann = await shardStore.beginMove(
    'ann',
    1 - (await homes.find('ann')).shard,
    Date.now(),
    '{}',
  );
  await homes.findMany(['ann']);
  expect((await call('/owners/ann', { method: 'DELETE' })).status).toBe(503);
  const listed = await (await ask('/export')).text();
  const restored = await call('/restore', {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-ndjson' },
    body: `${listed.split('\n')[0] ?? ''}\n`,
  });
  expect([restored.status, await restored.json()]).toMatchObject([503, { code: 'owner_moving' }]);
  if (ann) await shardStore.endMove(ann);
  await homes.findMany(['ann']);
});
