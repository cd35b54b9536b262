import { env } from 'cloudflare:workers';
import { v7 as uuidv7 } from 'uuid';
import { hashApiKey, generateApiKey, type ApiKey, type Scope } from '../../src/domain/api-key.ts';
import { createKeyStore } from '../../src/store/keys.ts';

/** Stores a key and returns it. */
export const makeKey = async (
  owner: string,
  scopes: readonly Scope[],
  more: Partial<ApiKey> = {},
  made = generateApiKey(),
) => {
  const { key, prefix } = made;
  const id = uuidv7();
  await createKeyStore(env.DB).insert({
    id,
    owner,
    name: 'test',
    hash: await hashApiKey(key),
    prefix,
    scopes: JSON.stringify(scopes),
    created_at: Date.now(),
    expires_at: null,
    revoked_at: null,
    ...more,
  });
  if (more.revoked_at) await createKeyStore(env.DB).revoke(id, more.revoked_at);
  return { id, key };
};

/** The key with which the tests call: of the usual owner, allowed everything. */
export const usualKey = generateApiKey();
