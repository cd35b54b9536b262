import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import {
  freePort,
  readRows,
  startService,
  temporaryState,
  writeRows,
  type Service,
} from '../../scripts/service.ts';
import { connect } from '../../scripts/tasker.ts';

// Schedules on the built Worker, in the real `wrangler dev`. The bounds of time are those that were
// promised.

let service: Service;
let state: string;
let port: number;
beforeAll(async () => {
  state = await temporaryState();
  port = await freePort();
  service = await startService(port, state, ['LOG_LEVEL:warn']);
});
afterAll(async () => {
  await service.kill();
  await rm(state, { recursive: true, force: true });
});

const tasker = () => connect(service.url);
const sum = { type: 'sum', params: { a: 1, b: 2 }, reuse: false };
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** How late the tasks of a schedule were stored that were due since, in ms, in order. */
const readLateness = async (name: string, since: number): Promise<number[]> => {
  const { recent } = await tasker().schedules.get(name);
  return recent
    .map((task) => [Date.parse(task.scheduled_for ?? ''), Date.parse(task.submitted_at)] as const)
    .filter(([due]) => due >= since)
    .map(([due, stored]) => stored - due)
    .toSorted((a, b) => a - b);
};

it('fires in time on a service that has nothing else to do', async () => {
  await tasker().schedules.create({ name: 'tick', cron: '* * * * * *', task: sum });
  const since = Date.now();
  const late = await vi.waitUntil(
    async () => {
      const found = await readLateness('tick', since);
      return found.length >= 7 && found;
    },
    { timeout: 20_000, interval: 500 },
  );
  console.log(`schedules, idle: late by ${late.join(', ')} ms`);
  expect(late[Math.floor(late.length / 2)]).toBeLessThanOrEqual(50);
});

it('fires within a second while a thousand submits a second come in', async () => {
  const since = Date.now();
  const until = since + 5_000;
  let sent = 0;
  const submitter = async (): Promise<void> => {
    while (Date.now() < until) {
      // Ten at a time, at their rate.
      const turn = since + sent;
      sent += 10;
      await wait(Math.max(0, turn - Date.now()));
      await tasker().submitMany(Array.from({ length: 10 }, () => sum));
    }
  };
  await Promise.all(Array.from({ length: 32 }, submitter));
  const late = await readLateness('tick', since);
  console.log(`schedules, ${Math.round(sent / 5)} submits a second: late by ${late.join(', ')} ms`);
  expect(late.length).toBeGreaterThanOrEqual(3);
  expect(late.at(-1)).toBeLessThanOrEqual(1_000);
});

it('fires ten thousand that are due in the same second, and leaves none out that came while it was away', async () => {
  await service.kill();
  const before = readRows<{ n: number }>(state, 'SELECT count(*) AS n FROM schedules')[0]?.n;
  expect(before).toBe(1);
  const due = Math.ceil(Date.now() / 1_000) * 1_000 + 12_000;
  writeRows(
    state,
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
    INSERT INTO schedules (owner, id, name, timezone, every_ms, overlap, catch_up, catch_up_window_ms,
      next_at, wake_at, created_at, updated_at, task)
    SELECT 'many-' || (i % 100), printf('00000000-0000-7000-8000-%012d', i), 's' || i, 'UTC', 86400000,
      'allow', 'latest', 86400000, ${due}, ${due}, ${due}, ${due}, '${JSON.stringify({ ...sum, priority: 'MEDIUM' })}'
    FROM n`,
  );
  service = await startService(port, state, ['LOG_LEVEL:warn']);
  const started = Date.now();
  expect(started).toBeLessThan(due);
  // No second was left out while it was away.
  const listFired = async (): Promise<number[]> =>
    (await tasker().schedules.get('tick')).recent.map((task) =>
      Date.parse(task.scheduled_for ?? ''),
    );
  await vi.waitUntil(async () => ((await listFired())[0] ?? 0) > started, {
    timeout: 10_000,
    interval: 200,
  });
  const fired = (await listFired()).toSorted((a, b) => b - a);
  const newest = fired[0] ?? 0;
  expect(fired.length).toBeGreaterThan(10);
  expect(fired).toEqual(fired.map((_, i) => newest - i * 1_000));
  const count = () =>
    readRows<{ n: number; last: number }>(
      state,
      `SELECT count(*) AS n, max(submitted_at) AS last FROM tasks WHERE owner LIKE 'many-%'`,
    )[0];
  await vi.waitUntil(() => count()?.n === 10_000, { timeout: 40_000, interval: 500 });
  const spread = (count()?.last ?? Infinity) - due;
  console.log(`schedules: 10000 due in one second were stored within ${spread} ms`);
  expect(spread).toBeLessThanOrEqual(10_000);
  const doubled = readRows<{ n: number }>(
    state,
    'SELECT count(*) - count(DISTINCT owner || idempotency_key) AS n FROM tasks WHERE parent_id IS NOT NULL',
  );
  expect(doubled).toEqual([{ n: 0 }]);
});
