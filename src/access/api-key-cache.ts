import { hashApiKey, isWellFormedKey, type ApiKey } from '../domain/api-key.ts';
import type { KeyStore } from '../store/keys.ts';

/** A key is held in memory this long, so a revoked one is refused within it. */
const HOLD_MS = 10_000;
/** Keys held at once; a flood of made-up ones must not fill the memory. */
const MAX_HELD = 5_000;

interface CachedKey {
  key: ApiKey | null;
  until: number;
}

/** Finds keys without a read for every request. */
export const createApiKeyCache = ({
  store,
  now,
}: {
  store: Pick<KeyStore, 'findByHash' | 'isEmpty'>;
  now: () => number;
}) => {
  // Keys as they were read, never the promise of one: what one request has begun to read no other
  // may wait for.
  const held = new Map<string, CachedKey>();
  let emptiness: { isEmpty: boolean; until: number } | null = null;

  /**
   * Checking and hashing cost as much as the rest of admitting; a key's hash is remembered as long
   * as the key.
   */
  const hashes = new Map<string, { hash: string; until: number }>();
  const hash = async (text: string): Promise<string | null> => {
    const known = hashes.get(text);
    if (known && now() < known.until) return known.hash;
    if (!isWellFormedKey(text)) return null;
    if (hashes.size >= MAX_HELD) hashes.clear();
    const digest = await hashApiKey(text);
    hashes.set(text, { hash: digest, until: now() + HOLD_MS });
    return digest;
  };

  const read = async (digest: string): Promise<ApiKey | null> => {
    const key = await store.findByHash(digest);
    // Oldest first: a Map keeps the order in which its entries came.
    for (const oldest of held.keys()) {
      if (held.size < MAX_HELD) break;
      held.delete(oldest);
    }
    held.set(digest, { key, until: now() + HOLD_MS });
    return key;
  };

  return {
    /**
     * The key as stored, also one that is expired or revoked; null when there is none. One with a
     * wrong checksum costs nothing.
     */
    async find(text: string): Promise<ApiKey | null> {
      const digest = await hash(text);
      if (digest === null) return null;
      const known = held.get(digest);
      return known && now() < known.until ? known.key : read(digest);
    },

    /**
     * Whether there is no key at all, as of a few seconds ago; rejects when the table cannot be
     * read.
     */
    async isEmpty(): Promise<boolean> {
      if (!emptiness || now() >= emptiness.until)
        emptiness = { isEmpty: await store.isEmpty(), until: now() + HOLD_MS };
      return emptiness.isEmpty;
    },

    /** Drops what it holds: a key was made or revoked here. */
    invalidate(): void {
      held.clear();
      hashes.clear();
      emptiness = null;
    },
  };
};
