import { v7 as uuidv7 } from 'uuid';
import { generateApiKey, hashApiKey, type ApiKey, type Scope } from './api-key.ts';

/** The fields of a new key. */
export interface NewKeyFields {
  owner: string;
  name: string;
  scopes: readonly Scope[];
  /** Milliseconds; null: never. */
  expiresAt: number | null;
  /** Null or unset: any. */
  taskTypes?: readonly string[] | null | undefined;
  /** Null or unset: as many as everybody. */
  writesPerMinute?: number | null | undefined;
}

/** A new key and the row to be stored of it. The key itself is in no row: it is shown this once. */
export const makeKey = async (
  { owner, name, scopes, expiresAt, taskTypes = null, writesPerMinute = null }: NewKeyFields,
  now: number,
  { key, prefix } = generateApiKey(),
): Promise<{ key: string; row: ApiKey }> => {
  const row: ApiKey = {
    id: uuidv7(),
    owner,
    name,
    hash: await hashApiKey(key),
    prefix,
    scopes: JSON.stringify(scopes),
    created_at: now,
    expires_at: expiresAt,
    revoked_at: null,
    last_used_at: null,
    task_types: taskTypes === null ? null : JSON.stringify(taskTypes),
    writes_per_minute: writesPerMinute,
  };
  return { key, row };
};
