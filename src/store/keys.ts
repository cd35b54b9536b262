import type { ApiKey } from '../domain/api-key.ts';

/** API keys. Of the keys themselves only hashes come here. */
export const createKeyStore = (db: D1Database) => ({
  async insert({
    id,
    owner,
    name,
    hash,
    prefix,
    scopes,
    created_at,
    expires_at,
  }: ApiKey): Promise<void> {
    const statement = `INSERT INTO keys (id, owner, name, hash, prefix, scopes, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;
    await db
      .prepare(statement)
      .bind(id, owner, name, hash, prefix, scopes, created_at, expires_at)
      .run();
  },

  /** The key of this hash, also one that is expired or revoked; null where there is none. */
  findByHash: (hash: string): Promise<ApiKey | null> =>
    db.prepare('SELECT * FROM keys WHERE hash = ?').bind(hash).first<ApiKey>(),

  /** Newest first. */
  async list(limit: number): Promise<ApiKey[]> {
    return (
      await db.prepare('SELECT * FROM keys ORDER BY id DESC LIMIT ?').bind(limit).all<ApiKey>()
    ).results;
  },

  /** Revokes a key, once and for all; null when there is no such key. */
  async revoke(id: string, now: number): Promise<ApiKey | null> {
    const statement =
      'UPDATE keys SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1 RETURNING *';
    return (await db.prepare(statement).bind(id, now).all<ApiKey>()).results[0] ?? null;
  },

  /** Gives a key an end, no later than it has already; null when there is no such key, or it may not be used any more. */
  async expire(id: string, at: number, now: number): Promise<ApiKey | null> {
    const statement = `UPDATE keys SET expires_at = min(coalesce(expires_at, ?2), ?2)
      WHERE id = ?1 AND revoked_at IS NULL AND coalesce(expires_at, ?3 + 1) > ?3 RETURNING *`;
    return (await db.prepare(statement).bind(id, at, now).all<ApiKey>()).results[0] ?? null;
  },

  get: (id: string): Promise<ApiKey | null> =>
    db.prepare('SELECT * FROM keys WHERE id = ?').bind(id).first<ApiKey>(),

  /** Whether anybody has a key for this owner. */
  async hasOwner(owner: string): Promise<boolean> {
    return (
      (await db.prepare('SELECT 1 FROM keys WHERE owner = ? LIMIT 1').bind(owner).all()).results
        .length > 0
    );
  },

  /** Whether anybody has ever made a key. */
  async isEmpty(): Promise<boolean> {
    return (await db.prepare('SELECT 1 FROM keys LIMIT 1').all()).results.length === 0;
  },
});

export type KeyStore = ReturnType<typeof createKeyStore>;
