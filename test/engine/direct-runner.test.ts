import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import { endDirectly, pickDirect, startDirectly } from '../../src/domain/direct-run.ts';
import type { Outcome } from '../../src/domain/retry.ts';
import type { Task } from '../../src/domain/task.ts';
import { createDirectRunner, type DirectRunnerDeps } from '../../src/engine/direct-runner.ts';
import type { ExecuteOptions } from '../../src/engine/executor.ts';
import { catalog } from '../../src/handlers/catalog.ts';
import { encodeDirect, encodeTask, insertTasks } from '../../src/store/inserts.ts';
import type { Recording } from '../../src/store/recordings.ts';
import { createTaskStore } from '../../src/store/tasks.ts';
import { createTransitions } from '../../src/store/transitions.ts';
import { createRecording } from '../../src/wiring/recording.ts';
import { keepLog, keepPublished, noLargeBodies } from '../support/deps.ts';
import { call } from '../support/client.ts';
import { observeDatabase } from '../support/database.ts';
import { putLimit } from '../support/limits.ts';
import { aTask, OWNER, rowOf } from '../support/rows.ts';

afterEach(() => vi.restoreAllMocks());

const setup = (
  execute: (task: Task, options: ExecuteOptions) => Promise<Outcome>,
  more: Partial<DirectRunnerDeps> = {},
) =>
  createDirectRunner({
    catalog,
    executor: { execute },
    startRunner: () => ({ runTask: async () => ({ kind: 'completed', result: '1' }), stop() {} }),
    startTracing: () => (_, run) => run(),
    recorder: {
      forBatch: () => ({
        end: async () => {},
        skip() {},
        record: () => Promise.reject(new Error('down')),
      }),
    },
    taskQueues: { enqueue: async () => {} },
    leases: { renew: async () => new Set() },
    now: Date.now,
    log: keepLog().log,
    ...more,
  });
const done = async (): Promise<Outcome> => ({ kind: 'completed', result: '{"n":1}' });
const beginAs = async (execute: Parameters<typeof setup>[0], task = aTask()) =>
  (await setup(execute).begin(task))?.status ?? null;

it('a pure task is over before it is stored, unless it fails, says something or takes long', async () => {
  expect(await beginAs(done)).toBe('COMPLETED');
  const error = { code: 'x', message: 'y' };
  expect(await beginAs(async () => ({ kind: 'failed', error, retryable: false }))).toBe(
    'IN_PROGRESS',
  );
  expect(
    await beginAs(async (_, { progress }) => {
      progress(0.5);
      return done();
    }),
  ).toBe('IN_PROGRESS');
  let signal: AbortSignal | undefined;
  const slow = (_: Task, { watchLease }: ExecuteOptions) => {
    signal = watchLease();
    return new Promise<never>(() => {});
  };
  expect(await beginAs(slow)).toBe('IN_PROGRESS');
  expect(signal?.aborted).toBe(true);
  // What is too large for its row in bytes, though not in letters, is stored before the row.
  for (const result of [`"${'x'.repeat(20_000)}"`, `"${'語'.repeat(6_000)}"`])
    expect(await beginAs(async () => ({ kind: 'completed', result }))).toBe('IN_PROGRESS');
});

it('one that has effects is not run before it is stored', async () => {
  const execute = vi.fn(done);
  expect(await beginAs(execute, aTask({ type: 'flaky', params: {} }))).toBe('IN_PROGRESS');
  expect(execute).not.toHaveBeenCalled();
});

it.each([
  { scheduledAt: Date.now() + 60_000 },
  { queue: 'external-medium' },
  { timeoutMs: 15_001 },
  { params: { text: 'x'.repeat(17_000) } },
  { params: { text: '語'.repeat(6_000) } },
  { limitKey: 'k' },
  { uniqueKey: 'k' },
  { type: 'no_such_type' },
])('%j goes through its queue', async (more) => {
  expect(await beginAs(done, aTask(more))).toBeNull();
});

it('resolves with nothing when the outcome could not be recorded: the lease brings the task back', async () => {
  const runner = setup(done);
  expect(await runner.run(startDirectly(aTask(), Date.now()))).toBeNull();
});

it('asks for its lease anew where its row took long to be stored, and leaves alone what is lost', async () => {
  const startRunner = vi.fn<DirectRunnerDeps['startRunner']>(() => {
    throw new Error('It runs');
  });
  const renew = vi.fn(async () => new Set<string>());
  const runner = setup(done, { leases: { renew }, startRunner });
  const task = aTask();
  await runner.run(startDirectly(task, Date.now()));
  expect([renew.mock.calls.length, startRunner.mock.calls.length]).toEqual([0, 1]);
  await runner.run(startDirectly(task, Date.now() - 6_000));
  expect([renew.mock.calls.length, startRunner.mock.calls.length]).toEqual([1, 1]);
  renew.mockResolvedValue(new Set([task.id]));
  await runner.run(startDirectly(task, Date.now() - 6_000));
  expect([renew.mock.calls.length, startRunner.mock.calls.length]).toEqual([2, 2]);
  // The database does not answer: it is run while the lease has the time.
  renew.mockRejectedValue(new Error('down'));
  await runner.run(startDirectly(task, Date.now() - 6_000));
  await runner.run(startDirectly(task, Date.now() - 11_000));
  expect([renew.mock.calls.length, startRunner.mock.calls.length]).toEqual([4, 3]);
});

it.each([
  ['the Dispatcher', 0, []],
  ['whoever ran it, where the Dispatcher was reset after the commit', 1, ['COMPLETED']],
])('%s tells of its end', async (_, resets, told) => {
  const transitions = createTransitions(env.DB);
  const { publish, published } = keepPublished();
  let left = resets;
  const { directRunner } = createRecording({
    catalog,
    transitions,
    publish,
    dispatcher: {
      record: async (recordings: Recording[]) => {
        const rows = await transitions.record(recordings, Date.now());
        if (left > 0) {
          left -= 1;
          throw new Error('Durable Object reset');
        }
        return rows;
      },
    },
    store: createTaskStore(env.DB),
    startRunner: () => ({ runTask: done, stop() {} }),
    keepResult: noLargeBodies.keepResult,
    taskQueues: { enqueue: async () => {} },
    now: Date.now,
    wait: async () => {},
    log: keepLog().log,
  } as never);
  const task = aTask();
  const born = startDirectly(task, Date.now());
  await insertDirect(task, born);
  expect(await directRunner.run(born)).toMatchObject({ status: 'COMPLETED', result: '{"n":1}' });
  expect(published.map(({ status }) => status)).toEqual(told);
});

const insertDirect = async (task: Task, born: Task) =>
  (await insertTasks(env.DB, [], [encodeDirect(task, born)])).get(task.id);

it('the row is what the direct run made of it, to the column', async () => {
  const now = Date.now();
  for (const task of [aTask(), aTask({ tags: ['a'], title: 'b' })]) {
    const started = startDirectly(task, now);
    const born = task.title === null ? started : endDirectly(started, '{"é":"\\"1"}', now + 3);
    expect(await insertDirect(task, born)).toBe('lease');
    expect(await rowOf(task.id)).toEqual(born);
    expect(pickDirect(await rowOf(task.id))).toEqual(pickDirect(born));
  }
});

it('one group may have rows with a run and rows without one', async () => {
  const [plain, direct] = [aTask(), aTask()];
  const born = endDirectly(startDirectly(direct, 1), '1', 2);
  const inserted = await insertTasks(env.DB, [encodeTask(plain)], [encodeDirect(direct, born)]);
  expect(inserted).toEqual(
    new Map([
      [plain.id, null],
      [direct.id, 'lease'],
    ]),
  );
  expect(await rowOf(plain.id)).toEqual(plain);
  expect(await rowOf(direct.id)).toEqual(born);
});

it('a paused queue and a limit of its type keep what was run already', async () => {
  await call('/queues/default-low/pause', { method: 'POST' });
  const paused = aTask({ queue: 'default-low', priority: 'LOW' });
  const ended = endDirectly(startDirectly(paused, 1), '1', 2);
  expect(await insertDirect(paused, ended)).toBe('queue');
  expect(await rowOf(paused.id)).toEqual({ ...paused, held: 'queue', wake_at: null });
  await call('/queues/default-low/resume', { method: 'POST' });

  await putLimit(OWNER, { max_running: 1 }, Date.now(), 'sum');
  await env.DB.prepare(`UPDATE limits SET for_type = 1 WHERE key = 'sum'`).run();
  const limited = aTask();
  expect(await insertDirect(limited, startDirectly(limited, 1))).toBe('limit');
  expect(await rowOf(limited.id)).toMatchObject({
    status: 'PENDING',
    attempt: 0,
    limit_key: 'sum',
  });
  await env.DB.prepare(`DELETE FROM limits WHERE key = 'sum'`).run();
});

const wait = async (type: string, params: object, headers = {}) => {
  const json = { type, params };
  return call('/tasks', { json, headers: { Prefer: 'wait=10', ...headers } });
};

it('costs two rows and a statement if it is pure, and five and two otherwise', async () => {
  await wait('sum', { a: 1, b: 1 });
  const { asked, stop } = observeDatabase();
  const measure = async (type: string, params: object) => {
    asked.length = 0;
    const response = await wait(type, params);
    const { status, attempts } = await response.json<{ status: string; attempts: unknown[] }>();
    expect([response.status, status]).toEqual([200, 'COMPLETED']);
    expect(attempts ?? []).not.toBeNull();
    return asked.map(({ name, rowsWritten }) => `${name} ${rowsWritten}`);
  };
  expect(await measure('sum', { a: 41, b: 1 })).toEqual(['tasks.insert_direct 2']);
  expect(await measure('flaky', { failures: 0 })).toEqual([
    'tasks.insert_direct 4',
    'tasks.record 1',
  ]);
  stop();
});

it('is told and counted like any other, and retried by its queue', async () => {
  const first = await (await wait('flaky', { failures: 1 })).json<{ task_id: string }>();
  expect(first).toMatchObject({ status: 'COMPLETED', attempt: 2 });
  const { attempts, version } = await rowOf(first.task_id);
  expect((JSON.parse(attempts) as { outcome: string }[]).map(({ outcome }) => outcome)).toEqual([
    'retried',
    'completed',
  ]);
  expect(version).toBe(5);
  const failed = await wait('broken', {}, { 'Idempotency-Key': 'direct' });
  expect(failed.status).toBe(200);
  const again = await wait('broken', {}, { 'Idempotency-Key': 'direct' });
  expect(again.headers.get('Idempotent-Replayed')).toBe('true');
  expect(await again.json()).toMatchObject({ status: 'FAILED' });
});
