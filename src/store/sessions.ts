import type { ApiKey } from '../domain/api-key.ts';
import { nameStatement } from './statements.ts';

/** A session as it is stored. Times are ms. */
interface Session {
  /** SHA-256 of its id, hexadecimal. */
  hash: string;
  keyId: string;
  createdAt: number;
  expiresAt: number;
}

const INSERT = nameStatement(
  'sessions.insert',
  'INSERT INTO sessions (hash, key_id, created_at, expires_at) VALUES (?1, ?2, ?3, ?4)',
);
const DELETE_OVER = nameStatement(
  'sessions.delete_over',
  'DELETE FROM sessions WHERE expires_at <= ?1',
);
const END = nameStatement('sessions.end', 'DELETE FROM sessions WHERE hash = ?1');
const FIND_KEY = nameStatement(
  'sessions.find_key',
  `SELECT keys.*, sessions.expires_at AS session_ends_at
FROM sessions
JOIN keys ON keys.id = sessions.key_id
WHERE sessions.hash = ?1`,
);

/** People who are signed in. Of a session's id only a hash comes here. */
export const createSessionStore = (db: D1Database) => ({
  /** Those that are over go at the same time. */
  async insert({ hash, keyId, createdAt, expiresAt }: Session): Promise<void> {
    await db.batch([
      db.prepare(DELETE_OVER).bind(createdAt),
      db.prepare(INSERT).bind(hash, keyId, createdAt, expiresAt),
    ]);
  },

  /** The key of a session, which expires with it; null when there is none. */
  async findKey(hash: string): Promise<ApiKey | null> {
    const found = await db
      .prepare(FIND_KEY)
      .bind(hash)
      .first<ApiKey & { session_ends_at: number }>();
    if (!found) return null;
    const { session_ends_at: endsAt, ...key } = found;
    return { ...key, expires_at: Math.min(key.expires_at ?? endsAt, endsAt) };
  },

  async end(hash: string): Promise<void> {
    await db.prepare(END).bind(hash).run();
  },
});

export type SessionStore = ReturnType<typeof createSessionStore>;
