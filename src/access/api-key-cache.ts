import { AppError } from '../domain/errors.ts';
import { hashApiKey, isWellFormedKey, type ApiKey } from '../domain/api-key.ts';
import { sha256 } from '../domain/hash.ts';
import type { KeyStore } from '../store/keys.ts';
import type { SessionStore } from '../store/sessions.ts';

/** A key is held in memory this long, so a revoked one is refused within it. */
const HOLD_MS = 10_000;
/** Keys held at once; a flood of made-up ones must not fill the memory. */
const MAX_HELD = 5_000;
/** The last use of a key is noted this often at most. */
const TOUCH_MS = 60_000;
/** Keys that there are not, from one address in a minute; then the database is asked no more. */
const MAX_UNKNOWN = 600;
const MINUTE_MS = 60_000;

interface CachedKey {
  key: ApiKey | null;
  until: number;
}

/** Finds keys without a read for every request. */
export const createApiKeyCache = ({
  store,
  sessions,
  waitUntil,
  now,
}: {
  store: Pick<KeyStore, 'findByHash' | 'isEmpty' | 'touch'>;
  sessions: Pick<SessionStore, 'findKey'>;
  /** Keeps the invocation alive until it is done. */
  waitUntil(work: Promise<unknown>): void;
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

  /** Keys that there were not, by the address that tried them. */
  const unknown = new Map<string, { count: number; until: number }>();
  const countUnknown = (from: string): void => {
    if (unknown.size >= MAX_HELD) unknown.clear();
    const before = unknown.get(from);
    const isOver = !before || now() >= before.until;
    unknown.set(
      from,
      isOver ? { count: 1, until: now() + MINUTE_MS } : { ...before, count: before.count + 1 },
    );
  };
  const assertMayGuess = (from: string): void => {
    const { count, until } = unknown.get(from) ?? { count: 0, until: 0 };
    if (count >= MAX_UNKNOWN && now() < until)
      throw new AppError(
        'rate_limited',
        'Too many keys that there are not came from this address',
        {
          retryAfterSeconds: MINUTE_MS / 1_000,
        },
      );
  };

  /** Only the page of keys misses it when it fails. */
  const touch = ({ id, last_used_at, revoked_at }: ApiKey): void => {
    if (revoked_at !== null || now() - (last_used_at ?? 0) < TOUCH_MS) return;
    waitUntil(store.touch(id, now()).catch(() => {}));
  };

  const read = async (
    digest: string,
    from: string,
    findKey: (digest: string) => Promise<ApiKey | null>,
  ): Promise<ApiKey | null> => {
    assertMayGuess(from);
    const key = await findKey(digest);
    if (key) touch(key);
    else countUnknown(from);
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
     * wrong checksum costs nothing. Throws `rate_limited` for an address that guesses.
     * @param from the caller's address
     */
    async find(text: string, from: string): Promise<ApiKey | null> {
      const digest = await hash(text);
      if (digest === null) return null;
      const known = held.get(digest);
      if (known && now() < known.until) return known.key;
      return read(digest, from, store.findByHash);
    },

    /** The key with which somebody signed in, which expires with the session; null for none. */
    async findBySession(id: string, from: string): Promise<ApiKey | null> {
      const digest = await sha256(id);
      const known = held.get(digest);
      if (known && now() < known.until) return known.key;
      return read(digest, from, sessions.findKey);
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
