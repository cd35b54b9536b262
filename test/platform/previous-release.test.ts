import { applyD1Migrations, reset } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Task } from '../../src/domain/task.ts';
import { createLeaseStore } from '../../src/store/leases.ts';
import { createQueueStore } from '../../src/store/queues.ts';
import { createSweeps } from '../../src/store/sweeps.ts';
import { createTransitions } from '../../src/store/transitions.ts';
import { aTask, looksUntil, OWNER, rowOf, store } from '../support/rows.ts';
import previous from './release-0.1.0.json' with { type: 'json' };

// While a deploy is under way the previous release works on the new tables: here are its statements,
// as they were. What they do must leave rows with which this release goes on.

const NOW = 1_900_000_000_000;
const NEVER = '2000-01-01';
type Name = keyof typeof previous.statements;
const run = async (name: Name, ...bound: unknown[]) =>
  (
    await env.DB.prepare(previous.statements[name])
      .bind(...bound)
      .all<Task>()
  ).results;
const insertAsBefore = (...tasks: Task[]) =>
  run(
    'tasks.insert',
    JSON.stringify(
      tasks.map((task) => previous.insert_columns.map((column) => task[column as keyof Task])),
    ),
  );
const keysOf = (...tasks: Task[]) => JSON.stringify(tasks.map(({ owner, id }) => ({ owner, id })));

const transitions = createTransitions(env.DB);
const sweeps = createSweeps(env.DB);
/** This release's clock, for which no message is left in any queue. */
const sweep = (now: number) => sweeps.sweep(now, 100, looksUntil(now));
const claim = async (task: Task, now: number): Promise<Task> =>
  (await transitions.claim([task], now, true))[0] as Task;

beforeEach(() =>
  env.DB.batch([env.DB.prepare('DELETE FROM tasks'), env.DB.prepare('DELETE FROM queues')]),
);

describe('the previous release on the new tables', () => {
  it('inserts tasks that this one runs, and those that wait for their time', async () => {
    const [plain, scheduled] = [aTask({}, NOW), aTask({ scheduledAt: NOW + 60_000 }, NOW)];
    expect(await insertAsBefore(plain, scheduled)).toHaveLength(2);
    expect(await claim(plain, NOW)).toMatchObject({ status: 'IN_PROGRESS' });
    await sweep(NOW + 60_000);
    const [dispatched] = (await sweep(NOW + 60_001)).dispatched;
    const found = dispatched ?? (await rowOf(scheduled.id));
    expect(found).toMatchObject({ status: 'PENDING', held: null });
  });

  it('dispatches, claims, renews, reschedules and records what this one holds', async () => {
    const task = aTask({ scheduledAt: NOW + 1_000 }, NOW);
    await store(task);
    expect(await run('sweep.dispatch', NOW + 1_000, 100)).toHaveLength(1);
    expect(await rowOf(task.id)).toMatchObject({ status: 'PENDING', held: null });
    expect(await run('tasks.claim', NOW + 1_000, keysOf(task), 1_000, 1)).toHaveLength(1);
    const lease = { owner: OWNER, id: task.id, attempt: 1, progress: null };
    await createLeaseStore(env.DB).renew([lease], NOW + 1_000);
    expect(await run('leases.renew', NOW + 2_000, JSON.stringify([lease]))).toHaveLength(1);
    const reschedule = ['PENDING', null, NOW + 5_000, NOW + 10_000, null, NOW + 3_000, 3];
    await run('tasks.record', JSON.stringify([[OWNER, task.id, 1, ...reschedule, []]]));
    expect(await rowOf(task.id)).toMatchObject({ status: 'PENDING', held: null });
    await claim(task, NOW + 5_000);
    await createLeaseStore(env.DB).renew([{ ...lease, attempt: 2 }], NOW + 6_000);
    const end = ['COMPLETED', NOW + 7_000, null, null, null, NOW + 7_000, 3];
    await run('tasks.record', JSON.stringify([[OWNER, task.id, 2, ...end, [], { ok: true }]]));
    expect(await rowOf(task.id)).toMatchObject({ status: 'COMPLETED', held: null, wake_at: null });
  });

  it('takes back what this one runs when its lease is over, and not before', async () => {
    const task = aTask({}, NOW);
    await store(task);
    await claim(task, NOW);
    expect(await run('sweep.rescue', NOW + 6_000, 100)).toEqual([]);
    expect(await rowOf(task.id)).toMatchObject({ status: 'IN_PROGRESS', rescues: 0 });
    await sweep(NOW + 6_000);
    expect(await rowOf(task.id)).toMatchObject({ held: 'lease' });
    expect(await run('sweep.rescue', NOW + 15_000, 100)).toHaveLength(1);
    expect(await rowOf(task.id)).toMatchObject({ status: 'PENDING', rescues: 1, held: null });
  });

  it('has claims that this one takes back', async () => {
    const task = aTask({}, NOW);
    await insertAsBefore(task);
    await run('tasks.claim', NOW, keysOf(task), 1_000, 1);
    expect((await sweep(NOW + 14_999)).rescued).toEqual([]);
    expect((await sweep(NOW + 15_000)).rescued).toHaveLength(1);
  });

  it('parks and unparks, and so does this one after it', async () => {
    const [parked, unparked] = [aTask({}, NOW), aTask({}, NOW)];
    await insertAsBefore(parked, unparked);
    await createQueueStore(env.DB).pause('default-medium', NOW);
    expect(await run('sweep.park', NOW + 5_000, 100)).toHaveLength(2);
    expect(await rowOf(parked.id)).toMatchObject({ held: 'queue', wake_at: null });
    await createQueueStore(env.DB).resume('default-medium');
    expect(await run('sweep.unpark', NOW + 6_000, 1, '["default-medium"]')).toHaveLength(1);
    expect((await sweep(NOW + 7_000)).unparked).toHaveLength(2);
    expect(await rowOf(unparked.id)).toMatchObject({ held: null, wake_at: NOW + 12_000 });
  });

  it.each(['tasks.cancel', 'tasks.pause'] as const)(
    'ends what this one holds: %s',
    async (name) => {
      const task = aTask({ scheduledAt: NOW + 60_000 }, NOW);
      await store(task);
      await run(name, NOW, OWNER, JSON.stringify([task.id]));
      expect(await rowOf(task.id)).toMatchObject({ held: null, wake_at: null });
      await run(
        name === 'tasks.cancel' ? 'tasks.retry' : 'tasks.resume',
        NOW,
        OWNER,
        `["${task.id}"]`,
      );
      await sweep(NOW + 60_000);
      await sweep(NOW + 60_000);
      expect(await rowOf(task.id)).toMatchObject({ status: 'PENDING', held: null });
    },
  );

  it('reads, counts and deletes', async () => {
    await store(aTask({}, NOW));
    const bound: Partial<Record<Name, unknown[]>> = {
      'sweep.next_wake': [],
      'sweep.waiting': ['default-medium', 10],
      'sweep.resend': [NOW, 10],
      'sweep.lose': [NOW, 10, null],
      'tasks.get': [OWNER, NEVER],
      'tasks.get_many': ['[]'],
      'leases.find_held': ['[]'],
      'tasks.find_by_idempotency_keys': [OWNER, '[]'],
      'tasks.find_reusable': [OWNER, '[]', NOW],
      'tasks.count_unfinished': [OWNER, 10],
      'counts.by_status': ['["NEW"]', OWNER],
      'counts.oldest_waiting': [OWNER, NOW],
      'counts.failures': [OWNER],
      'queues.list': ['["default-medium"]', NOW],
      'tasks.delete': [OWNER, '[]'],
      'tasks.prune_oldest': [1],
      'tasks.purge': [OWNER, 10],
    };
    for (const [name, values] of Object.entries(bound)) await run(name as Name, ...values);
  });
});

it('takes the rows of the previous release along, with their deliveries', async () => {
  await reset();
  await applyD1Migrations(env.DB, env.TEST_MIGRATIONS.slice(0, 4));
  const callbackUrl = 'https://receiver.example/';
  const [plain, scheduled, parked, running, ended] = [
    aTask({}, NOW),
    aTask({ scheduledAt: NOW + 60_000 }, NOW),
    aTask({ queue: 'default-low', priority: 'LOW' }, NOW),
    aTask({}, NOW),
    aTask({ callbackUrl, title: 'Ende', params: { text: 'x'.repeat(9_000) } }, NOW),
  ];
  await insertAsBefore(plain, scheduled, parked, running, ended);
  await run('tasks.claim', NOW, keysOf(running), 1_000, 1);
  await run('tasks.cancel', NOW + 1, OWNER, JSON.stringify([ended.id]));
  await env.DB.prepare(`INSERT INTO queues (name, paused_at) VALUES ('default-low', 1)`).run();
  await run('sweep.park', NOW + 5_000, 100);
  const before = (await env.DB.prepare('SELECT * FROM tasks ORDER BY id').all<Task>()).results;
  const deliveries = (await env.DB.prepare('SELECT * FROM deliveries').all()).results;
  expect(deliveries).toHaveLength(1);
  await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
  const after = (await env.DB.prepare('SELECT * FROM tasks ORDER BY id').all<Task>()).results;
  expect(after.map((row, i) => ({ ...row, ...before[i] }))).toEqual(after);
  const now = (await env.DB.prepare('SELECT * FROM deliveries').all()).results;
  expect(now).toEqual(deliveries.map((row) => ({ ...row, subject: 'task' })));
  const heldBy = new Map(after.map(({ id, held }) => [id, held]));
  const all = [plain, scheduled, parked, running, ended];
  expect(all.map(({ id }) => heldBy.get(id))).toEqual([null, 'time', 'queue', 'lease', null]);
  // And deliveries still go with their task.
  await env.DB.prepare('DELETE FROM tasks WHERE id = ?').bind(ended.id).run();
  expect((await env.DB.prepare('SELECT * FROM deliveries').all()).results).toEqual([]);
});
