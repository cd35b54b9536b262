import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { call, submit } from '../support/client.ts';
import { rowOf } from '../support/rows.ts';
import { INVOCATION_LIMITS as MAX, observeInvocations, runInvocation } from './invocations.ts';

const ask = (): Promise<unknown> => env.DB.prepare('SELECT 1').first();

describe('one invocation', () => {
  it('makes 1 000 queries', async () => {
    const queries = (n: number) =>
      runInvocation('test', async () => {
        const statement = env.DB.prepare('SELECT 1');
        for (let made = 0; made < n; made += 100)
          await env.DB.batch(Array(Math.min(100, n - made)).fill(statement));
      });
    await expect(queries(MAX.queries)).resolves.toBeUndefined();
    await expect(queries(MAX.queries + 1)).rejects.toThrow('Too many API requests');
  });

  it('calls the cache 1 000 times', async () => {
    const calls = (n: number) =>
      runInvocation('test', async () => {
        for (let i = 0; i < n; i += 1) await caches.default.match('http://localhost/nothing');
      });
    await expect(calls(MAX.cacheCalls)).resolves.toBeUndefined();
    await expect(calls(MAX.cacheCalls + 1)).rejects.toThrow('Too many Cache API calls');
  });

  it('makes 10 000 subrequests', async () => {
    const calls = (n: number) =>
      runInvocation('test', async () => {
        for (let i = 0; i < n; i += 1) await env.FILES.head('nothing');
      });
    await expect(calls(MAX.subrequests + 1)).rejects.toThrow('Too many subrequests');
  });

  it('has six open at once: the seventh waits', async () => {
    const { invocations, stop } = observeInvocations();
    const asked = runInvocation('test', () => Promise.all(Array.from({ length: 20 }, ask)));
    await Promise.resolve();
    stop();
    expect(invocations[0]).toMatchObject({ open: 6, waiting: { length: 14 } });
    await asked;
    expect(invocations[0]).toMatchObject({ open: 0, waiting: [], queries: 20 });
  });

  it('logs 256 KB', () => {
    expect(() => runInvocation('test', () => console.info('x'.repeat(MAX.logBytes + 1)))).toThrow(
      '256 KB',
    );
  });

  it('sends 32 MiB to an object', async () => {
    const accept = async (bytes: number) =>
      env.DISPATCHER.getByName('dispatcher-0').accept('x'.repeat(bytes));
    await expect(accept(MAX.rpcBytes + 1)).rejects.toThrow('32MiB');
  });
});

it('every way in is one invocation, and counts by itself', async () => {
  const { invocations, stop } = observeInvocations();
  const { task_id } = await submit('sum', { a: 1, b: 1 });
  await vi.waitUntil(async () => (await rowOf(task_id)).status === 'COMPLETED', { interval: 10 });
  await call(`/tasks/${task_id}`);
  await vi.waitUntil(() => invocations.some(({ name }) => name === 'Metrics.add'), {
    timeout: 5_000,
  });
  stop();
  const names = new Set(invocations.map(({ name }) => name));
  for (const name of ['fetch', 'queue', 'Dispatcher.accept', 'StatusBoard.listWatched'])
    expect(names).toContain(name);
  // A timer that is left would keep such an object awake, and billed.
  await vi.waitUntil(() => invocations.every(({ open }) => open === 0), { timeout: 5_000 });
  const awake = invocations.filter(({ name }) => /^(Dispatcher|StatusBoard)/.test(name));
  expect(awake.flatMap(({ timers }) => [...timers.values()])).toEqual([]);
});
