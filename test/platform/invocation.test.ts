import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import { call } from '../support/client.ts';
import { observeDatabase } from '../support/database.ts';

afterEach(() => vi.restoreAllMocks());

/** https://developers.cloudflare.com/workers/platform/limits/: of one invocation. */
const MAX = { queries: 1_000, cacheCalls: 1_000 };
const TASKS = 2_000;

/** Calls of the platform's cache from now on. */
const observeCache = (): string[] => {
  const calls: string[] = [];
  const cache = Object.getPrototypeOf(caches.default) as Cache;
  for (const name of ['match', 'put', 'delete'] as const) {
    const real = cache[name] as (...of: unknown[]) => unknown;
    vi.spyOn(cache, name).mockImplementation(function (this: Cache, ...of: unknown[]) {
      calls.push(name);
      return Reflect.apply(real, this, of) as never;
    });
  }
  return calls;
};

it('2 000 tasks, from their submit to their deletion, ask for less than one invocation may', async () => {
  const { asked, stop } = observeDatabase();
  const cacheCalls = observeCache();
  for (let from = 0; from < TASKS; from += 1_000) {
    const tasks = Array.from({ length: 1_000 }, (_, i) => ({
      type: 'sum',
      params: { a: from + i, b: 1 },
      tags: ['crowd'],
    }));
    expect((await call('/tasks/bulk', { json: { tasks } })).status).toBe(202);
  }
  const left = () =>
    env.DB.prepare(`SELECT count(*) AS n FROM tasks WHERE completed_at IS NULL`).first('n');
  await vi.waitUntil(async () => (await left()) === 0, { timeout: 15_000, interval: 100 });
  const statements = asked.filter(({ name }) => /^(tasks|leases|sweep)\./.test(name)).length;
  const action = { action: 'delete', filter: { tag: ['crowd'] } };
  expect((await call('/tasks/actions', { json: action })).status).toBeLessThan(300);
  stop();
  // All invocations together, so each of them by itself too.
  console.log(
    `${TASKS} tasks: ${statements} statements, ${cacheCalls.length} calls of the cache in all`,
  );
  expect(statements).toBeLessThan(MAX.queries / 5);
  expect(cacheCalls.length).toBeLessThan(MAX.cacheCalls);
});
