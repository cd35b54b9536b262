import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import {
  freePort,
  readRows,
  startService,
  temporaryState,
  type Service,
} from '../../scripts/service.ts';
import { createTasker, type Tasker } from '../../src/client/index.ts';

// An owner with many tasks is moved between two databases under load, and everything is killed at random.

const TASKS = Number(process.env['MOVE_TASKS'] ?? 3_000);
const KILLS = Number(process.env['MOVE_KILLS'] ?? 2);
const SHARDS = 2;

let service: Service;
let state: string;
let port: number;
let ops: string;
let ann: string;
const taskerOf = (apiKey: string, retries = 0): Tasker =>
  createTasker({ baseUrl: service.url, apiKey, retries });
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
interface Row {
  id: string;
  status: string;
  params: string;
  result: string | null;
  attempt: number;
  attempts: string;
}
const rows = (): Row[] =>
  readRows<Row>(
    state,
    `SELECT id, status, params, result, attempt, attempts FROM tasks WHERE owner = 'ann'`,
  );
const findHome = async (): Promise<number> => {
  const { owners } = await taskerOf(ops).request<{ owners: { owner: string; shard: number }[] }>(
    '/shards/owners',
  );
  return owners.find(({ owner }) => owner === 'ann')?.shard ?? expect.fail('Not pinned');
};
/** The command that an operator runs; resolves with its exit code. */
const startMove = (to: number) => {
  const args = ['scripts/shards.ts', 'move', 'ann', String(to), '--url', service.url, '--key', ops];
  const child = spawn(process.execPath, args, { stdio: 'ignore' });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { ended, kill: () => child.kill('SIGKILL') };
};

/** Submits for ann until it is stopped; knows what was accepted, and how long nothing was. */
const startLoad = () => {
  const accepted = new Map<string, number>();
  let isOver = false;
  let lastAt = performance.now();
  let longestStopMs = 0;
  const loop = async (n: number): Promise<void> => {
    for (let a = n; !isOver; a += 4) {
      try {
        const { task_id } = await taskerOf(ann).submit({ type: 'sum', params: { a, b: 1 } });
        accepted.set(task_id, a + 1);
        longestStopMs = Math.max(longestStopMs, performance.now() - lastAt);
        lastAt = performance.now();
      } catch {
        // Refused, or the service is down: the next one may come through.
      }
      await sleep(40);
    }
  };
  const loops = [1, 2, 3, 4].map(loop);
  return {
    accepted,
    readStop: (): number => longestStopMs,
    async stop(): Promise<void> {
      isOver = true;
      await Promise.all(loops);
    },
  };
};

const assertWhole = async (accepted: ReadonlyMap<string, number>): Promise<void> => {
  const all = await vi.waitFor(
    () => {
      const now = rows();
      expect(now.filter(({ status }) => status !== 'COMPLETED')).toHaveLength(0);
      return now;
    },
    { timeout: 90_000, interval: 500 },
  );
  const byId = new Map(all.map((row) => [row.id, row]));
  // Twice would be in both databases.
  expect(byId.size).toBe(all.length);
  for (const [id, sum] of accepted)
    expect(JSON.parse(byId.get(id)?.result ?? 'null')).toMatchObject({ result: sum });
  for (const { attempts } of all) {
    const outcomes = (JSON.parse(attempts) as { outcome: string }[]).map(({ outcome }) => outcome);
    expect(outcomes.filter((outcome) => outcome === 'completed')).toHaveLength(1);
  }
};

beforeAll(async () => {
  [state, port] = await Promise.all([temporaryState(), freePort()]);
  service = await startService(port, state, [], SHARDS);
  const make = async (apiKey: string, body: object): Promise<string> =>
    (
      await createTasker({ baseUrl: service.url, apiKey }).request<{ key: string }>('/keys', {
        method: 'POST',
        json: body,
      })
    ).key;
  ops = await make('', { owner: 'ops', name: 'ops', scopes: ['operator', 'admin'] });
  ann = await make(ops, { owner: 'ann', name: 'ann', scopes: ['admin'] });
}, 125_000);
afterAll(async () => {
  await service.kill();
  await rm(state, { recursive: true, force: true });
});

it('moves an owner under load, and stops its writes for less than 30 s', async () => {
  const submitted = await taskerOf(ann, 5).submitMany(
    Array.from({ length: TASKS }, (_, a) => ({ type: 'sum', params: { a, b: 1 } })),
  );
  const load = startLoad();
  const home = await findHome();
  const startedAt = performance.now();
  expect(await startMove(1 - home).ended).toBe(0);
  const seconds = (performance.now() - startedAt) / 1_000;
  await sleep(1_000);
  await load.stop();
  const stop = load.readStop() / 1_000;
  console.log(
    `${submitted.length} tasks moved in ${seconds.toFixed(1)} s, writes stopped for ${stop.toFixed(1)} s, ` +
      `${load.accepted.size} accepted meanwhile`,
  );
  expect(await findHome()).toBe(1 - home);
  await assertWhole(load.accepted);
  expect(stop).toBeLessThan(30);
  expect(rows()).toHaveLength(TASKS + load.accepted.size);
}, 200_000);

it(`loses nothing and does nothing twice when everything is killed ${KILLS} times`, async () => {
  const before = rows().length;
  const load = startLoad();
  for (let kill = 0; kill < KILLS; kill += 1) {
    const to = 1 - (await findHome());
    let move = startMove(to);
    await sleep(1_000 + Math.random() * 16_000);
    move.kill();
    await service.kill();
    service = await startService(port, state, [], SHARDS);
    // The same command goes on where it was, or finds that it is done.
    move = startMove(to);
    expect(await move.ended).toBe(0);
    expect(await findHome()).toBe(to);
  }
  await load.stop();
  await assertWhole(load.accepted);
  const all = rows();
  console.log(
    `killed ${KILLS} times: ${all.length} tasks, ${load.accepted.size} accepted meanwhile, ` +
      `${all.filter(({ attempt }) => attempt > 1).length} run again after a kill`,
  );
  expect(all.length).toBeGreaterThanOrEqual(before + load.accepted.size);
}, 900_000);
