import { v7 as uuidv7 } from 'uuid';
import { generateApiKey, hashApiKey, type ApiKey, type Scope } from './api-key.ts';

/** The fields of a new key. */
export interface NewKeyFields {
  owner: string;
  name: string;
  scopes: readonly Scope[];
  /** Milliseconds; null: never. */
  expiresAt: number | null;
}

/** A new key and the row to be stored of it. The key itself is in no row: it is shown this once. */
export const makeKey = async (
  { owner, name, scopes, expiresAt }: NewKeyFields,
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
  };
  return { key, row };
};
