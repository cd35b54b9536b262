import { Redis } from '@upstash/redis/cloudflare';
import type { CacheBackend } from './output-cache.ts';

/**
 * Shorter than the output cache's own limit, so that the request itself is ended and not just
 * forgotten.
 */
const REQUEST_TIMEOUT_MS = 290;

/** Stays in the place of a deleted output, so that a slow write cannot bring it back. */
const TOMBSTONE = 'gone';
const TOMBSTONE_SECONDS = 60;

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
  return {
    name: 'upstash',
    shared: true,
    get: async (key) => {
      const text = await redis.get<string>(key);
      return text === TOMBSTONE ? null : text;
    },
    addMany: async (entries) => {
      const pipeline = redis.pipeline();
      for (const { key, value, ttlSeconds } of entries)
        pipeline.set(key, value, { ex: ttlSeconds, nx: true });
      await pipeline.exec();
    },
    forget: async (keys) => {
      const pipeline = redis.pipeline();
      for (const key of keys) pipeline.set(key, TOMBSTONE, { ex: TOMBSTONE_SECONDS });
      await pipeline.exec();
    },
  };
};
