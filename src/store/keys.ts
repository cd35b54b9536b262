import { and, desc, eq, gt, isNotNull, isNull, lte, or, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { ApiKey } from '../domain/api-key.ts';
import type { Home } from '../domain/home.ts';
import { keysTable as keys } from '../schema/keys.ts';
import { ownerShardsTable as ownerShards } from '../schema/owner-shards.ts';
import { isOnItsWay } from './shards.ts';

/** Who remembers where owners live; of one shard nobody. */
interface KeyHomes {
  count: number;
  note(owner: string, home: Home): unknown;
}
const NO_HOMES: KeyHomes = { count: 1, note: () => {} };

/** API keys. Of the keys themselves only hashes come here. */
export const createKeyStore = (d1: D1Database, homes: KeyHomes = NO_HOMES) => {
  const db = drizzle(d1);
  return {
    async insert(key: ApiKey): Promise<void> {
      await db.insert(keys).values(key);
    },

    async get(id: string): Promise<ApiKey | null> {
      return (await db.select().from(keys).where(eq(keys.id, id)).get()) ?? null;
    },

    /** The key of this hash, also one that is expired or revoked; null where there is none. */
    async findByHash(hash: string): Promise<ApiKey | null> {
      if (homes.count === 1)
        return (await db.select().from(keys).where(eq(keys.hash, hash)).get()) ?? null;
      // Where its owner lives is read along.
      const found = await db
        .select({ key: keys, shard: ownerShards.shard, movingTo: ownerShards.moving_to })
        .from(keys)
        .leftJoin(ownerShards, eq(ownerShards.owner, keys.owner))
        .where(eq(keys.hash, hash))
        .get();
      if (!found) return null;
      const at = { shard: found.shard ?? 0, moving_to: found.movingTo };
      homes.note(found.key.owner, { shard: at.shard, isMoving: isOnItsWay(at) });
      return found.key;
    },

    /** Newest first. `owner` null: of all owners. */
    list: (owner: string | null, limit: number): Promise<ApiKey[]> =>
      db
        .select()
        .from(keys)
        .where(owner === null ? undefined : eq(keys.owner, owner))
        .orderBy(desc(keys.id))
        .limit(limit),

    /** Those of `ids` that may be used no longer, at `now` (ms). */
    async findEnded(ids: readonly string[], now: number): Promise<string[]> {
      const ended = or(isNotNull(keys.revoked_at), lte(keys.expires_at, now));
      // As one value: a statement takes a hundred.
      const named = sql`${keys.id} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`;
      const rows = await db.select({ id: keys.id }).from(keys).where(and(named, ended));
      return rows.map(({ id }) => id);
    },

    /** Notes that a key was used. */
    async touch(id: string, now: number): Promise<void> {
      await db.update(keys).set({ last_used_at: now }).where(eq(keys.id, id));
    },

    /** Revokes a key for good; null when there is no such key. */
    async revoke(id: string, now: number): Promise<ApiKey | null> {
      const revokedAt = sql`coalesce(${keys.revoked_at}, ${now})`;
      const change = db.update(keys).set({ revoked_at: revokedAt }).where(eq(keys.id, id));
      return (await change.returning())[0] ?? null;
    },

    /**
     * Lets a key expire at `at`, or earlier if it does already; null when there is no such key, or
     * it is not usable any more.
     */
    async expire(id: string, at: number, now: number): Promise<ApiKey | null> {
      const isUsable = and(
        isNull(keys.revoked_at),
        or(isNull(keys.expires_at), gt(keys.expires_at, now)),
      );
      const change = db
        .update(keys)
        .set({ expires_at: sql`min(coalesce(${keys.expires_at}, ${at}), ${at})` })
        .where(and(eq(keys.id, id), isUsable));
      return (await change.returning())[0] ?? null;
    },

    /** Whether there is a key for this owner. */
    async hasOwner(owner: string): Promise<boolean> {
      const rows = await db
        .select({ id: keys.id })
        .from(keys)
        .where(eq(keys.owner, owner))
        .limit(1);
      return rows.length > 0;
    },

    /** Whether no key was ever made. */
    async isEmpty(): Promise<boolean> {
      return (await db.select({ id: keys.id }).from(keys).limit(1)).length === 0;
    },
  };
};

export type KeyStore = ReturnType<typeof createKeyStore>;
