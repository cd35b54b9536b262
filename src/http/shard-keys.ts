import { LOCAL_OWNER, type ApiKey } from '../domain/api-key.ts';
import { createKeyStore, type KeyStore } from '../store/keys.ts';
import { createOwnerStore } from '../store/owners.ts';
import { findServices, getAllServices } from '../wiring/services.ts';
import type { AppContext } from './context.ts';

// Keys are in the first database. An owner's own one has copies, for schedules look at the key that made
// them.

const findCopies = async (c: AppContext, owner: string): Promise<KeyStore | null> => {
  const { shard, useStore } = await findServices(c.env, owner);
  return shard === 0 ? null : useStore(createKeyStore);
};

const MEGABYTE = 1_000_000;

/** The shard whose database is smallest, to the megabyte; of equal ones that with the fewest owners. */
const findRoomiest = async (c: AppContext): Promise<number> => {
  const pinned = await c.get('services').shardStore.countOwners();
  const sizes = await Promise.all(
    getAllServices(c.env).map(async ({ shard, useStore }) => {
      const { database } = await useStore(createOwnerStore).readUsage('');
      return { shard, size: Math.floor(database / MEGABYTE), owners: pinned.get(shard) ?? 0 };
    }),
  );
  return sizes.toSorted((a, b) => a.size - b.size || a.owners - b.owners)[0]?.shard ?? 0;
};

/** Pins an owner who gets its first key; whoever was there before stays where it is. */
const pinOwner = async (c: AppContext, owner: string): Promise<void> => {
  const { homes, shardStore, keys } = c.get('services');
  if (homes.count === 1 || owner === LOCAL_OWNER || (await keys.hasOwner(owner))) return;
  const { shard } = await shardStore.pin(owner, await findRoomiest(c));
  homes.note(owner, { shard, isMoving: false });
};

/** Stores a new key. */
export const insertKey = async (c: AppContext, row: ApiKey): Promise<void> => {
  await pinOwner(c, row.owner);
  await c.get('services').keys.insert(row);
  await (await findCopies(c, row.owner))?.insert(row);
};

/** Revokes a key for good; null when there is none. */
export const revokeKey = async (c: AppContext, id: string, now: number): Promise<ApiKey | null> => {
  const revoked = await c.get('services').keys.revoke(id, now);
  if (revoked) await (await findCopies(c, revoked.owner))?.revoke(id, now);
  return revoked;
};

/** Lets a key end then, unless it ends before; null when it goes on no more. */
export const expireKey = async (
  c: AppContext,
  { id, owner }: ApiKey,
  at: number,
  now: number,
): Promise<ApiKey | null> => {
  const expiring = await c.get('services').keys.expire(id, at, now);
  await (await findCopies(c, owner))?.expire(id, at, now);
  return expiring;
};
