import { afterEach, describe, expect, inject, it, vi } from 'vitest';
import { createOutputCache, type CacheBackend } from '../../src/cache/output-cache.ts';
import { createUpstashBackend } from '../../src/cache/upstash.ts';
import { createWorkersCacheBackend } from '../../src/cache/workers-cache.ts';
import type { Task } from '../../src/domain/task.ts';
import { keepLog } from '../support/deps.ts';
import { aTask, OWNER } from '../support/rows.ts';
import { CACHE_FAULTS } from '../support/setup/cache-faults.ts';

afterEach(() => vi.restoreAllMocks());

const redis = inject('redis');

const aFinishedTask = (result: unknown = 'done'): Task => ({
  ...aTask(),
  status: 'COMPLETED',
  result: JSON.stringify(result),
  completed_at: 1,
  wake_at: null,
  version: 3,
});

const setup = (backend: CacheBackend) => {
  const { log, lines } = keepLog();
  let time = 1_000_000;
  const cache = createOutputCache(backend, { log, now: () => time, countLookup: () => {} });
  return { cache, lines, pass: (ms: number) => void (time += ms) };
};

const backends: [string, (() => CacheBackend) | null][] = [
  ['upstash, in front of a real Redis', redis === null ? null : () => createUpstashBackend(redis)],
  ['the Workers Cache API', createWorkersCacheBackend],
];

for (const [name, create] of backends) {
  describe.skipIf(create === null)(name, () => {
    const cacheOf = () => setup((create as () => CacheBackend)()).cache;

    it('gives back what was set, to its owner alone', async () => {
      const cache = cacheOf();
      const task = aFinishedTask({ text: 'é "quoted" 😀 \\' });
      expect(await cache.get(OWNER, task.id)).toBeNull();
      await cache.setMany([
        { task, ttlSeconds: 60 },
        { task: aFinishedTask(), ttlSeconds: 60 },
      ]);
      expect(await cache.get(OWNER, task.id)).toEqual(task);
      expect(await cache.get('somebody else', task.id)).toBeNull();
    });

    it('keeps the first of two writes, and nothing whose time to live is 0', async () => {
      const cache = cacheOf();
      const task = aFinishedTask('first');
      await cache.setMany([{ task, ttlSeconds: 60 }]);
      await cache.setMany([{ task: { ...task, result: '"second"' }, ttlSeconds: 60 }]);
      expect((await cache.get(OWNER, task.id))?.result).toBe('"first"');
      const unkept = aFinishedTask();
      await cache.setMany([{ task: unkept, ttlSeconds: 0 }]);
      expect(await cache.get(OWNER, unkept.id)).toBeNull();
    });

    it('does not find what was deleted', async () => {
      const cache = cacheOf();
      const task = aFinishedTask();
      await cache.setMany([{ task, ttlSeconds: 60 }]);
      await cache.invalidate([task]);
      expect(await cache.get(OWNER, task.id)).toBeNull();
    });

    it.skipIf(name.includes('Workers'))('lets no slow write bring it back', async () => {
      const cache = cacheOf();
      const task = aFinishedTask();
      await cache.invalidate([task]);
      await cache.setMany([{ task, ttlSeconds: 60 }]);
      expect(await cache.get(OWNER, task.id)).toBeNull();
    });

    it('leaves a very large output to the database', async () => {
      const cache = cacheOf();
      const task = aFinishedTask('x'.repeat(500_000));
      await cache.setMany([{ task, ttlSeconds: 60 }]);
      expect(await cache.get(OWNER, task.id)).toBeNull();
    });
  });
}

it('keeps an output in the Workers Cache API for 5 s at most: other data centres hear of nothing', async () => {
  const put = vi.spyOn(Object.getPrototypeOf(await caches.open('x')) as Cache, 'put');
  const { cache } = setup(createWorkersCacheBackend());
  await cache.setMany([{ task: aFinishedTask(), ttlSeconds: 3_600 }]);
  expect(put.mock.lastCall?.[1].headers.get('Cache-Control')).toBe('max-age=5');
});

it('calls the Workers Cache API a few times, however many outputs are to be forgotten', async () => {
  const remove = vi.spyOn(Object.getPrototypeOf(await caches.open('x')) as Cache, 'delete');
  const { cache } = setup(createWorkersCacheBackend());
  await cache.invalidate(Array.from({ length: 1_000 }, () => aFinishedTask()));
  expect(remove.mock.calls.length).toBeLessThanOrEqual(50);
});

describe('a cache that fails', () => {
  it.each(CACHE_FAULTS)('is a miss, in bounded time: %s', async (fault) => {
    const { cache, lines } = setup(
      createUpstashBackend({ url: `${inject('faultyCache')}/${fault}`, token: 't' }),
    );
    const task = aFinishedTask();
    expect(await cache.get(OWNER, task.id)).toBeNull();
    await cache.setMany([{ task, ttlSeconds: 60 }]);
    await cache.invalidate([task]);
    expect(lines.length).toBeLessThanOrEqual(1);
    expect(JSON.stringify(lines)).not.toContain('done');
  });

  it('refuses a wrong token', async () => {
    if (!redis) return;
    // Again, should this machine be too slow for the cache's own limit.
    await vi.waitFor(async () => {
      const { cache, lines } = setup(createUpstashBackend({ ...redis, token: 'wrong' }));
      expect(await cache.get(OWNER, aFinishedTask().id)).toBeNull();
      expect(lines).toMatchObject([{ event: 'cache_failed', fields: { error: 'UpstashError' } }]);
    });
  });

  it('is no longer asked after five failures, tried again after 10 s, and logged once a minute', async () => {
    let isDown = true;
    const get = vi.fn(async () => {
      if (isDown) throw new Error('down');
      return null;
    });
    const backend: CacheBackend = {
      name: 'scripted',
      shared: true,
      get,
      addMany: async () => {},
      forget: async () => {},
    };
    const { cache, lines, pass } = setup(backend);
    const ask = () => cache.get(OWNER, aFinishedTask().id);
    for (let i = 0; i < 8; i += 1) await ask();
    expect([get.mock.calls.length, cache.isUp(), lines.length]).toEqual([5, false, 1]);
    pass(10_000);
    await Promise.all([ask(), ask(), ask()]);
    expect(get).toHaveBeenCalledTimes(6);
    pass(60_000);
    isDown = false;
    await ask();
    expect(cache.isUp()).toBe(true);
    isDown = true;
    await ask();
    expect(lines).toMatchObject([{ fields: { failures: 1 } }, { fields: { failures: 7 } }]);
  });

  it.each(['null', '7', '{}', '"gone', JSON.stringify({ ...aFinishedTask(), status: 'PENDING' })])(
    'believes nothing but a finished task of that id: %s',
    async (text) => {
      const backend: CacheBackend = {
        name: 'scripted',
        shared: true,
        get: async () => text,
        addMany: async () => {},
        forget: async () => {},
      };
      expect(await setup(backend).cache.get(OWNER, aFinishedTask().id)).toBeNull();
    },
  );
});
