import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { makeKey } from '../../src/domain/make-key.ts';
import { createKeyStore } from '../../src/store/keys.ts';

const keys = createKeyStore(env.DB);
const make = async (owner: string, expiresAt: number | null = null) => {
  const fields = { owner, name: 'test', scopes: ['tasks:read' as const], expiresAt };
  const { row } = await makeKey(fields, 1_000);
  await keys.insert(row);
  return row;
};

it('finds a key by its hash, also one that is revoked', async () => {
  const row = await make('a');
  expect(await keys.findByHash(row.hash)).toEqual(row);
  await keys.revoke(row.id, 2_000);
  expect(await keys.findByHash(row.hash)).toMatchObject({ revoked_at: 2_000 });
  expect(await keys.findByHash('no such hash')).toBeNull();
});

it('revokes once: the first moment stays', async () => {
  const { id } = await make('a');
  await keys.revoke(id, 2_000);
  expect(await keys.revoke(id, 3_000)).toMatchObject({ revoked_at: 2_000 });
  expect(await keys.revoke('unknown', 1)).toBeNull();
});

it('lets a key expire earlier, never later, and only while it is usable', async () => {
  const { id } = await make('a', 5_000);
  expect(await keys.expire(id, 9_000, 1_000)).toMatchObject({ expires_at: 5_000 });
  expect(await keys.expire(id, 3_000, 1_000)).toMatchObject({ expires_at: 3_000 });
  expect(await keys.expire(id, 2_000, 4_000)).toBeNull();
});

it('lists the newest first, and knows whose keys there are', async () => {
  await make('b');
  const newest = await make('c');
  expect((await keys.list(null, 1)).map(({ id }) => id)).toEqual([newest.id]);
  expect((await keys.list('b', 10)).map(({ owner }) => owner)).toEqual(['b']);
  expect([await keys.hasOwner('b'), await keys.hasOwner('nobody')]).toEqual([true, false]);
  expect(await keys.isEmpty()).toBe(false);
});
