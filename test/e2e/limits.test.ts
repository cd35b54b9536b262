import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import {
  freePort,
  readRows,
  startService,
  temporaryState,
  type Service,
} from '../../scripts/service.ts';
import { createTasker } from '../../src/client/index.ts';
import { connect } from '../../scripts/tasker.ts';

// Limits and fairness on the built Worker, in the real `wrangler dev`. The bounds of time are those
// that were promised.

let service: Service;
let state: string;
let port: number;
const start = () => startService(port, state, ['LOG_LEVEL:warn']);
beforeAll(async () => {
  state = await temporaryState();
  port = await freePort();
  service = await start();
});
afterAll(async () => {
  await service.kill();
  await rm(state, { recursive: true, force: true });
});

const sum = { type: 'sum', params: { a: 1, b: 2 }, reuse: false } as const;
const tasker = () => connect(service.url);
const many = (count: number, more: (i: number) => object = () => ({})) =>
  Array.from({ length: count }, (_, i) => ({ ...sum, ...more(i) }));
/** When tasks under a limit began, in order; ms. */
const readStarts = (key: string): number[] =>
  readRows<{ at: number }>(
    state,
    `SELECT started_at AS at FROM tasks WHERE limit_key = '${key}' AND started_at IS NOT NULL ORDER BY 1`,
  ).map(({ at }) => at);

it('keeps a rate evenly, and after a restart', async () => {
  await tasker().limits.set('rate', { rate: { count: 100 } });
  await tasker().submitMany(many(3_000, () => ({ limit: { key: 'rate' } })));
  const begun = (count: number) =>
    vi.waitUntil(() => readStarts('rate').length >= count, { timeout: 30_000, interval: 500 });
  await begun(600);
  await service.kill();
  const before = readStarts('rate');
  service = await start();
  await begun(before.length + 600);
  const starts = readStarts('rate');
  // 100 a second, and what may begin together: two slices of 250 ms.
  for (let from = 0; from + 200 < starts.length; from += 1) {
    const took = (starts[from + 200] ?? 0) - (starts[from] ?? 0);
    expect(took, `200 began within ${took} ms`).toBeGreaterThanOrEqual(1_500 - 50);
  }
  // Since what may begin together has begun; a slice of 25 is a twentieth. npm run bench:limits takes a
  // minute.
  const paceOf = (times: readonly number[]): number => {
    const took = (times.at(-1) ?? 0) - (times[75] ?? 0);
    return ((times.length - 1 - 75) / took) * 1_000;
  };
  const paces = [before, starts.slice(before.length)].map(paceOf);
  console.log(`a rate of 100 a second: ${paces.map((pace) => pace.toFixed(1)).join(', ')}`);
  for (const pace of paces) expect(Math.abs(pace - 100)).toBeLessThanOrEqual(10);
  await tasker().limits.delete('rate');
});

it('lets sub-keys take turns, and each run alone', async () => {
  await tasker().limits.set('turns', { max_running: 10, sub: { max_running: 1 } });
  await tasker().submitMany(
    many(10_000, (i) => ({ limit: { key: 'turns', sub_key: `tenant-${i % 100}` } })),
  );
  await vi.waitUntil(() => readStarts('turns').length > 1_000, { timeout: 60_000, interval: 500 });
  const [found] = readRows<{ first: number; third: number }>(
    state,
    `SELECT max(CASE WHEN n = 1 THEN started_at END) AS first, min(CASE WHEN n = 3 THEN started_at END) AS third
    FROM (
      SELECT started_at, row_number() OVER (PARTITION BY sub_key ORDER BY started_at) AS n
      FROM tasks
      WHERE limit_key = 'turns' AND started_at IS NOT NULL
    )`,
  );
  const starts = readStarts('turns');
  console.log(
    `10 000 of 100 tenants: ${Math.round((starts.length * 1_000) / ((starts.at(-1) ?? 0) - (starts[0] ?? 0)))} a second`,
  );
  expect(found?.third).toBeGreaterThanOrEqual(found?.first ?? Infinity);
  await tasker().limits.delete('turns');
});

it('lets ten tasks of another owner pass fifty thousand', async () => {
  const op = (
    await tasker().request<{ key: string }>('/keys', {
      method: 'POST',
      json: { name: 'op', scopes: ['operator', 'admin'] },
    })
  ).key;
  const asOwner = async (owner: string) => {
    const { key } = await createTasker({ baseUrl: service.url, apiKey: op }).request<{
      key: string;
    }>('/keys', {
      method: 'POST',
      json: { name: owner, owner, scopes: ['tasks:read', 'tasks:write'] },
    });
    return createTasker({ baseUrl: service.url, apiKey: key });
  };
  const [few, crowd] = [await asOwner('few'), await asOwner('crowd')];
  const timeTen = async (): Promise<number> => {
    const startedAt = performance.now();
    const tasks = await few.submitMany(many(10));
    await Promise.all(tasks.map(({ task_id }) => few.wait(task_id)));
    return performance.now() - startedAt;
  };
  await timeTen();
  const idle = await timeTen();
  await Promise.all(Array.from({ length: 5 }, () => crowd.submitMany(many(10_000))));
  const behind = await timeTen();
  console.log(
    `ten tasks: ${Math.round(idle)} ms by themselves, ${Math.round(behind)} ms beside 50 000`,
  );
  expect(behind).toBeLessThanOrEqual(2 * idle + 1_000);
  const [resent] = readRows<{ n: number }>(
    state,
    `SELECT count(*) AS n FROM tasks WHERE owner = 'crowd' AND rescues > 0`,
  );
  expect(resent?.n).toBe(0);
});
