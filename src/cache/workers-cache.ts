import type { CacheBackend, CacheEntry } from './output-cache.ts';

/** A write is forgotten in its own data centre alone, so entries elsewhere must not live long. */
const MAX_TTL_SECONDS = 60;

const toUrl = (key: string): string =>
  `https://output-cache.tasker.invalid/${encodeURIComponent(key)}`;

/**
 * Outputs in the Workers Cache API, which needs no set-up. It knows no batch and no data centre but
 * its own: https://developers.cloudflare.com/workers/reference/how-the-cache-works/ On workers.dev
 * it stores nothing, and every read is a miss.
 */
export const createWorkersCacheBackend = ({
  isDevelopment,
}: {
  isDevelopment: boolean;
}): CacheBackend => {
  const open = (): Promise<Cache> => caches.open('tasker-outputs');
  const put = async (cache: Cache, { key, value, ttlSeconds }: CacheEntry): Promise<void> => {
    const maxAge = isDevelopment ? ttlSeconds : Math.min(ttlSeconds, MAX_TTL_SECONDS);
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
    put: async (entries) => {
      const cache = await open();
      await Promise.all(entries.map((entry) => put(cache, entry)));
    },
  };
};
