import { env } from 'cloudflare:workers';
import { generateApiKey, type ApiKey, type Scope } from '../../src/domain/api-key.ts';
import { makeKey } from '../../src/domain/make-key.ts';
import { createKeyStore } from '../../src/store/keys.ts';

/** Stores a key and returns it. */
export const storeKey = async (
  owner: string,
  scopes: readonly Scope[],
  { expires_at: expiresAt = null, revoked_at: revokedAt = null }: Partial<ApiKey> = {},
  generated = generateApiKey(),
  id?: string,
) => {
  const fields = { owner, name: 'test', scopes, expiresAt };
  const { key, row: made } = await makeKey(fields, Date.now(), generated);
  const row = { ...made, id: id ?? made.id };
  const keys = createKeyStore(env.DB);
  await keys.insert(row);
  if (revokedAt !== null) await keys.revoke(row.id, revokedAt);
  return { id: row.id, key };
};

/** The key with which the tests call: of the usual owner, allowed everything. */
export const usualKey = generateApiKey();
/** The same in every file: the service remembers a key for ten seconds, and each file begins anew. */
export const USUAL_KEY_ID = '00000000-0000-7000-8000-00000000000a';
