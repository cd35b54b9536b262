import type { CacheBackend, CacheEntry } from './output-cache.ts';

/**
 * An entry is forgotten in its own data centre alone: elsewhere a deleted output is found for this
 * long at most.
 */
const MAX_TTL_SECONDS = 5;
/** A request may call the cache a thousand times; what many tasks leave is gone in a moment. */
const MAX_FORGOTTEN = 50;

const toUrl = (key: string): string =>
  `https://output-cache.tasker.invalid/${encodeURIComponent(key)}`;

/**
 * Outputs in the Workers Cache API, which needs no set-up. It knows no batch and no data centre but
 * its own: https://developers.cloudflare.com/workers/reference/how-the-cache-works/ On workers.dev
 * it stores nothing, and every read is a miss.
 */
export const createWorkersCacheBackend = (): CacheBackend => {
  const open = (): Promise<Cache> => caches.open('tasker-outputs');
  const put = async (cache: Cache, { key, value, ttlSeconds }: CacheEntry): Promise<void> => {
    const maxAge = Math.min(ttlSeconds, MAX_TTL_SECONDS);
    await cache.put(
      toUrl(key),
      new Response(value, { headers: { 'Cache-Control': `max-age=${maxAge}` } }),
    );
  };
  return {
    name: 'workers-cache',
    shared: false,
    get: async (key) => (await (await open()).match(toUrl(key)))?.text() ?? null,
    addMany: async (entries) => {
      const cache = await open();
      await Promise.all(
        entries.map(async (entry) => {
          const present = await cache.match(toUrl(entry.key));
          if (!present) return put(cache, entry);
          // An unread body would hold the connection.
          await present.body?.cancel();
        }),
      );
    },
    forget: async (keys) => {
      const cache = await open();
      if (keys.length > MAX_FORGOTTEN) return;
      await Promise.all(keys.map((key) => cache.delete(toUrl(key))));
    },
  };
};
