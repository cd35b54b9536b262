import 'vitest';

declare module 'vitest' {
  /** What redis.ts, which runs in Node, hands to the tests in workerd. */
  interface ProvidedContext {
    /** The REST address of a real Redis; null where no redis-server is installed. */
    redis: { url: string; token: string } | null;
    /** A server that answers like a broken cache, see cache-faults.ts. */
    faultyCache: string;
    /** Providers and receivers of webhooks on loopback, see outside.ts. */
    outside: string;
    /** How deep the model test goes, and where it starts. */
    model: { runs: number; isLong: boolean; seed: number | null; fuzz: number; hostile: number };
  }
}
