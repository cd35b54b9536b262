import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { isQueueName } from '../../src/domain/routing.ts';
import { getServices } from '../../src/wiring/services.ts';
import { call, submit } from '../support/client.ts';
import { observeDatabase } from '../support/database.ts';
import { storeKey } from '../support/keys.ts';
import { OWNER, rowOf } from '../support/rows.ts';

interface Leased {
  task_id: string;
  type: string;
  attempt: number;
  params: unknown;
  run: string;
}
interface WorkAnswer {
  tasks: Leased[];
  ended: string[];
  settled: { run: string; status: string | null; recorded: boolean }[];
}

let type: string;
let types = 0;
const register = async (name: string, more: object = {}): Promise<Response> =>
  call(`/task-types/${name}`, {
    method: 'PUT',
    json: { description: 'For a test', run: { worker: {} }, ...more },
  });
beforeEach(async () => {
  types += 1;
  type = `work-${types}`;
  expect((await register(type)).status).toBe(201);
});

const work = async (body: object = {}, headers: HeadersInit = {}): Promise<WorkAnswer> => {
  const json = { worker: 'test', types: [type], max: 10, ...body };
  const response = await call('/work', { json, headers });
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  return response.json();
};
/** Resolves once so many wait, as the board knows. */
const isWaiting = (count = 1): Promise<unknown> =>
  vi.waitUntil(async () => {
    const watched = (await env.BOARD.getByName(OWNER).listWatched()) ?? [];
    return watched.filter((each) => each === 'work').length === count;
  });
const asRun = (run: string, path: string, json: object = {}): Promise<Response> =>
  call(`/runs/${path}`, { json, headers: { Authorization: `Bearer ${run}` } });
const read = async (id: string) => (await call(`/tasks/${id}`)).json<Record<string, unknown>>();
const sweepAt = async (at: number) => {
  const { dispatcherDeps } = getServices(env);
  const swept = await dispatcherDeps.sweeps.sweep(at, 500, []);
  await dispatcherDeps.expireRuns(swept.timedOut);
  return swept;
};

describe('a worker', () => {
  it('leases what is urgent first, and records what it did, once', async () => {
    const low = await submit(type, { n: 1 }, { priority: 'LOW' });
    const high = await submit(type, { n: 2 }, { priority: 'HIGH' });
    const medium = await submit(type, { n: 3 });
    const { tasks } = await work({ max: 2 });
    expect(new Set(tasks.map(({ task_id }) => task_id))).toEqual(
      new Set([high.task_id, medium.task_id]),
    );
    expect(await read(high.task_id)).toMatchObject({ status: 'IN_PROGRESS', attempt: 1 });
    const [first, second] = tasks;
    const done = [
      { run: first?.run, result: { ok: true } },
      { run: second?.run, error: { code: 'disk_full', message: 'No room' }, retry: false },
    ];
    const answer = await work({ max: 1, done });
    expect(answer.settled.map(({ status, recorded }) => [status, recorded])).toEqual([
      ['COMPLETED', true],
      ['FAILED', true],
    ]);
    expect(answer.tasks.map(({ task_id }) => task_id)).toEqual([low.task_id]);
    expect((await work({ max: 0, done })).settled.map(({ recorded }) => recorded)).toEqual([
      false,
      false,
    ]);
    expect(await read(second?.task_id ?? '')).toMatchObject({
      error: { code: 'disk_full', message: 'No room' },
      attempts: [{ attempt: 1, outcome: 'failed' }],
    });
  });

  it('takes no task of another type, of another owner, or that is paused or cancelled', async () => {
    await register('work-other');
    await submit('work-other');
    const paused = await submit(type);
    const cancelled = await submit(type);
    await call(`/tasks/${paused.task_id}/pause`, { method: 'POST' });
    await call(`/tasks/${cancelled.task_id}/cancel`, { method: 'POST' });
    expect((await work()).tasks).toEqual([]);
    await call(`/tasks/${paused.task_id}/resume`, { method: 'POST' });
    const { key } = await storeKey('work-stranger', ['work', 'types:write']);
    const theirs = { Authorization: `Bearer ${key}` };
    await call(`/task-types/${type}`, {
      method: 'PUT',
      json: { description: 'Mine', run: { worker: {} } },
      headers: theirs,
    });
    expect((await work({}, theirs)).tasks).toEqual([]);
    const [leased] = (await work()).tasks;
    expect(leased?.task_id).toBe(paused.task_id);
    // The token of a run is of use to its owner alone.
    const stolen = await work({ done: [{ run: leased?.run, result: 1 }] }, theirs);
    expect(stolen.settled).toMatchObject([{ status: null, recorded: false }]);
    expect((await work({ alive: [leased?.run] }, theirs)).ended).toEqual([leased?.run]);
  });

  it('is told what is over: cancelled, or taken back, and a late end is refused', async () => {
    const task = await submit(type);
    const [leased] = (await work()).tasks;
    expect((await work({ max: 0, alive: [leased?.run] })).ended).toEqual([]);
    await call(`/tasks/${task.task_id}/cancel`, { method: 'POST' });
    expect((await work({ max: 0, alive: [leased?.run] })).ended).toEqual([leased?.run]);
    const late = await work({ max: 0, done: [{ run: leased?.run, result: 1 }] });
    expect(late.settled).toMatchObject([{ status: 'CANCELLED', recorded: false }]);
    const answer = await asRun(leased?.run ?? '', 'complete', { result: 1 });
    expect([answer.status, await answer.json()]).toMatchObject([
      409,
      { code: 'run_over', status: 'CANCELLED' },
    ]);
    expect(await (await asRun(leased?.run ?? '', 'heartbeat')).json()).toEqual({
      lease_until: null,
      cancelled: true,
    });
  });

  it('that is not heard of loses its task, which uses up no attempt', async () => {
    const task = await submit(type, {}, { max_attempts: 1, timeout_seconds: 600 });
    const [dead] = (await work()).tasks;
    // The first lease is short: a caller who hung up is not noticed.
    const isRescued = async (at: number): Promise<boolean> =>
      (await sweepAt(at)).rescued.some(({ id }) => id === task.task_id);
    expect(await isRescued(Date.now() + 9_000)).toBe(false);
    expect(await isRescued(Date.now() + 11_000)).toBe(true);
    const [next] = (await work()).tasks;
    expect(next).toMatchObject({ task_id: task.task_id, attempt: 2 });
    expect((await work({ alive: [dead?.run], max: 0 })).ended).toEqual([dead?.run]);
    expect((await work({ alive: [next?.run], max: 0 })).ended).toEqual([]);
    expect(await isRescued(Date.now() + 50_000)).toBe(false);
    const both = [
      { run: dead?.run, result: 'late' },
      { run: next?.run, result: 'right' },
    ];
    expect((await work({ done: both, max: 0 })).settled).toMatchObject([
      { recorded: false },
      { recorded: true, status: 'COMPLETED' },
    ]);
    expect(await read(task.task_id)).toMatchObject({ result: 'right', rescues: 1 });
  });

  it('that hangs with a lively heartbeat ends with the task’s time, as a time-out', async () => {
    const task = await submit(type, {}, { max_attempts: 2, timeout_seconds: 30 });
    const [leased] = (await work()).tasks;
    await env.DB.prepare(
      'UPDATE tasks SET started_at = started_at - 20000, wake_at = started_at + 1000 WHERE id = ?1',
    )
      .bind(task.task_id)
      .run();
    expect((await work({ alive: [leased?.run], max: 0 })).ended).toEqual([]);
    const row = await rowOf(task.task_id);
    expect(row.wake_at).toBe((row.started_at ?? 0) + 30_000);
    const swept = await sweepAt(Number(row.wake_at) + 1);
    expect([swept.rescued, swept.timedOut.length]).toEqual([[], 1]);
    expect(await read(task.task_id)).toMatchObject({
      status: 'PENDING',
      attempt: 1,
      rescues: 0,
      error: { code: 'timeout', message: 'No result within 30 s' },
    });
  });

  it('whose attempt failed gets the task again, after the delay', async () => {
    const task = await submit(type);
    const [leased] = (await work()).tasks;
    const done = [{ run: leased?.run, error: { message: 'Try later' }, retry_after_seconds: 5 }];
    expect((await work({ done })).settled).toMatchObject([{ status: 'PENDING', recorded: true }]);
    expect((await work()).tasks).toEqual([]);
    expect(await read(task.task_id)).toMatchObject({ waiting_for: { reason: 'retry' } });
    await sweepAt(Date.now() + 6_000);
    expect((await work()).tasks).toMatchObject([{ task_id: task.task_id, attempt: 2 }]);
  });

  it('waits for work, and has it as soon as it comes', async () => {
    const waiting = work({ wait_seconds: 10 });
    await isWaiting();
    const startedAt = Date.now();
    const { task_id } = await submit(type);
    expect((await waiting).tasks).toMatchObject([{ task_id }]);
    console.log(`a waiting worker has its task after ${Date.now() - startedAt} ms`);
  });

  it('wakes another one, when the first is not there any more', async () => {
    const { boards } = getServices(env);
    const identity = { owner: OWNER, keyId: null } as Parameters<typeof boards.openForWorker>[0];
    // It holds a socket, and will never ask.
    const { webSocket: dead } = await boards.openForWorker(identity, 'dead', [type]);
    dead?.accept();
    const waiting = work({ wait_seconds: 10 });
    await isWaiting(2);
    const { task_id } = await submit(type);
    expect((await waiting).tasks).toMatchObject([{ task_id }]);
  });

  it('that stops is given nothing any more', async () => {
    const waiting = work({ worker: 'leaving', wait_seconds: 10 });
    await isWaiting();
    await work({ worker: 'leaving', types: [], max: 0 });
    expect((await waiting).tasks).toEqual([]);
    await submit(type);
    expect((await work({ max: 100 })).tasks).toHaveLength(1);
  });

  it('is not given tasks of a type that is paused, and goes on when it is resumed', async () => {
    await call(`/task-types/${type}/pause`, { method: 'POST' });
    const task = await submit(type);
    expect((await work()).tasks).toEqual([]);
    expect(await read(task.task_id)).toMatchObject({ waiting_for: { reason: 'type_paused' } });
    const waiting = work({ wait_seconds: 10 });
    await isWaiting();
    await call(`/task-types/${type}/resume`, { method: 'POST' });
    expect((await waiting).tasks).toMatchObject([{ task_id: task.task_id }]);
  });

  it('is told what is wrong with its request', async () => {
    const cases: [object, number, string][] = [
      [{ worker: 'x', types: ['sum'] }, 422, 'is no type for workers'],
      [{ worker: 'x', types: ['nowhere'] }, 422, 'register it with PUT /task-types/nowhere'],
      [{ worker: 'x', types: [type], max: 1_000 }, 422, 'max'],
      [{ types: [type] }, 422, 'worker'],
      [{ worker: 'x', types: [type], done: [{ run: 'run_nonsense', result: 1 }] }, 401, 'token'],
      [{ worker: 'x', types: [type], done: [{ run: 'x', error: 'text' }] }, 422, 'done'],
      [{ worker: 'x', types: [type], done: ['x'.repeat(5_000_000)] }, 413, 'bytes'],
    ];
    for (const [json, status, word] of cases) {
      const response = await call('/work', { json });
      expect([response.status, await response.text()]).toEqual([
        status,
        expect.stringContaining(word),
      ]);
    }
    const broken = new Uint8Array([0x7b, 0x22, 0xff, 0xfe]);
    const headers = { 'Content-Type': 'application/json' };
    const response = await call('/work', { method: 'POST', body: broken, headers });
    expect([response.status, await response.text()]).toEqual([
      400,
      expect.stringContaining('UTF-8'),
    ]);
  });
});

describe('a result', () => {
  it('that the type’s schema does not take fails the attempt for good', async () => {
    await register(type, { result: { type: 'object', required: ['width'] } });
    const task = await submit(type);
    const [leased] = (await work()).tasks;
    const done = [{ run: leased?.run, result: { height: 1 } }];
    expect((await work({ done, max: 0 })).settled).toMatchObject([{ status: 'FAILED' }]);
    expect(await read(task.task_id)).toMatchObject({
      error: { code: 'invalid_result', message: 'The result does not fit: `width` is missing' },
    });
  });

  it('of more than 1 MB is one like any other, read by itself', async () => {
    const task = await submit(type);
    const [leased] = (await work()).tasks;
    const result = 'x'.repeat(1_100_000);
    const done = [{ run: leased?.run, result }];
    expect((await work({ done, max: 0 })).settled).toMatchObject([{ status: 'COMPLETED' }]);
    expect(await read(task.task_id)).toMatchObject({ result: { $body: { bytes: 1_100_002 } } });
    expect(await (await call(`/tasks/${task.task_id}/result`)).json()).toBe(result);
  });
});

it('costs at most 8 rows a task, and no queue', async () => {
  await submit(type);
  await work({ max: 0, done: [{ run: (await work()).tasks[0]?.run, result: 1 }] });
  const { asked, stop } = observeDatabase();
  const task = await submit(type, { n: 1 });
  const [leased] = (await work()).tasks;
  await work({ max: 0, done: [{ run: leased?.run, result: 1 }] });
  stop();
  const writes = asked.filter(({ rowsWritten }) => rowsWritten > 0);
  console.log(
    `a worker's task: ${asked.map((each) => `${each.name} ${each.rowsWritten}`).join(' + ')}`,
  );
  expect(writes.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0)).toBeLessThanOrEqual(8);
  expect(isQueueName(task.queue)).toBe(false);
});
