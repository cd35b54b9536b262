import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createSessionStore } from '../../src/store/sessions.ts';
import { createKeyStore } from '../../src/store/keys.ts';
import { storeKey } from '../support/keys.ts';

const sessions = createSessionStore(env.DB);

it('gives the key, which ends with the session or before it, and forgets those that are over', async () => {
  const { id } = await storeKey('signed in', ['tasks:read']);
  const row = await createKeyStore(env.DB).get(id);
  const session = (hash: string, expiresAt: number) =>
    sessions.insert({ hash, keyId: id, createdAt: expiresAt - 1_000, expiresAt });
  await session('a', 5_000);
  expect(await sessions.findKey('a')).toEqual({ ...row, expires_at: 5_000 });
  await createKeyStore(env.DB).expire(id, 4_000, 0);
  expect(await sessions.findKey('a')).toMatchObject({ expires_at: 4_000 });
  await session('b', 9_000);
  expect([await sessions.findKey('a'), (await sessions.findKey('b'))?.id]).toEqual([null, id]);
  await sessions.end('b');
  expect(await sessions.findKey('b')).toBeNull();
});
