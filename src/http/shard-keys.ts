import { LOCAL_OWNER, type ApiKey } from '../domain/api-key.ts';
import { createKeyStore, type KeyStore } from '../store/keys.ts';
import { createOwnerStore } from '../store/owners.ts';
import { getAllServices } from '../wiring/services.ts';
import type { AppContext } from './context.ts';

// Keys are in the first database. The others have copies, for schedules look at the key that made them, and
// an owner may be on its way from one to another.

const findCopies = (c: AppContext): KeyStore[] =>
  getAllServices(c.env)
    .slice(1)
    .map(({ useStore }) => useStore(createKeyStore));

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
  for (const copies of findCopies(c)) await copies.insert(row);
};

/** Revokes a key for good; null when there is none. */
export const revokeKey = async (c: AppContext, id: string, now: number): Promise<ApiKey | null> => {
  const revoked = await c.get('services').keys.revoke(id, now);
  if (revoked) for (const copies of findCopies(c)) await copies.revoke(id, now);
  return revoked;
};

/** Lets a key end then, unless it ends before; null when it goes on no more. */
export const expireKey = async (
  c: AppContext,
  { id }: ApiKey,
  at: number,
  now: number,
): Promise<ApiKey | null> => {
  const expiring = await c.get('services').keys.expire(id, at, now);
  for (const copies of findCopies(c)) await copies.expire(id, at, now);
  return expiring;
};
