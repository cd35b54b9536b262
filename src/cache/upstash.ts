import { Redis } from '@upstash/redis/cloudflare';
import type { CacheBackend, CacheEntry } from './output-cache.ts';

/**
 * Shorter than the output cache's own limit, so that the request itself is ended and not just
 * forgotten.
 */
const REQUEST_TIMEOUT_MS = 290;

/** Outputs in Upstash Redis: one request for a batch. */
export const createUpstashBackend = ({
  url,
  token,
}: {
  url: string;
  token: string;
}): CacheBackend => {
  const redis = new Redis({
    url,
    token,
    automaticDeserialization: false,
    enableTelemetry: false,
    retry: { retries: 1, backoff: () => 20 },
    signal: () => AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  });
  const write = async (entries: readonly CacheEntry[], onlyNew: boolean): Promise<void> => {
    const pipeline = redis.pipeline();
    for (const { key, value, ttlSeconds } of entries) {
      pipeline.set(key, value, onlyNew ? { ex: ttlSeconds, nx: true } : { ex: ttlSeconds });
    }
    await pipeline.exec();
  };
  return {
    name: 'upstash',
    shared: true,
    get: (key) => redis.get<string>(key),
    addMany: (entries) => write(entries, true),
    put: (entries) => write(entries, false),
  };
};
