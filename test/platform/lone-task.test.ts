import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import { submit } from '../support/client.ts';
import { rowOf } from '../support/rows.ts';

afterEach(() => vi.restoreAllMocks());

/** Names of all calls to objects from now on. */
const observeObjects = (): string[] => {
  const calls: string[] = [];
  const namespace = Object.getPrototypeOf(env.BOARD) as DurableObjectNamespace;
  const { getByName } = namespace;
  vi.spyOn(namespace, 'getByName').mockImplementation(function (
    this: DurableObjectNamespace,
    ...of: Parameters<typeof getByName>
  ) {
    const stub = getByName.apply(this, of);
    return new Proxy(stub, {
      get: (target, name) => {
        const method: unknown = Reflect.get(target, name, target);
        if (typeof method !== 'function') return method;
        return (...values: unknown[]) => {
          calls.push(String(name));
          return Reflect.apply(method, target, values) as unknown;
        };
      },
    });
  });
  return calls;
};

/** By the table: to ask over HTTP would be counted too. */
const isCompleted = (id: string) =>
  vi.waitUntil(async () => (await rowOf(id)).status === 'COMPLETED', { interval: 10 });

it('a lone task makes at most 4 calls to objects', async () => {
  const calls = observeObjects();
  // Warm, as every one but the first, and its counts handed on.
  await isCompleted((await submit('sum', { a: 1, b: 1 })).task_id);
  await vi.waitUntil(() => calls.includes('add'), { timeout: 5_000, interval: 50 });
  calls.length = 0;
  const { task_id } = await submit('sum', { a: 2, b: 2 });
  await isCompleted(task_id);
  // What a second brings yet counts too: counts are gathered for so long.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  console.log(`a lone task calls objects: ${calls.join(', ')}`);
  expect(calls).toHaveLength(4);
  expect(calls.filter((name) => name === 'accept')).toHaveLength(1);
});
