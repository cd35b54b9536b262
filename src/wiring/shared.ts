import { waitUntil } from 'cloudflare:workers';
import { createApiKeyCache } from '../access/api-key-cache.ts';
import { createHomes } from '../access/homes.ts';
import { createByteBudget } from '../store/byte-budget.ts';
import { createKeyStore } from '../store/keys.ts';
import { createSessionStore } from '../store/sessions.ts';
import { createShardStore } from '../store/shards.ts';
import { countShards, createPlatform } from './platform.ts';

/** Stores that only routes use, each made when a route first asks for it. */
export const createStoreAccess = (db: D1Database) => {
  const stores = new Map<unknown, unknown>();
  return <Store>(create: (db: D1Database) => Store): Store => {
    if (!stores.has(create)) stores.set(create, create(db));
    return stores.get(create) as Store;
  };
};

/** What all shards have in common: keys and who lives where, in the first database, and memory. */
export const createShared = (env: Env) => {
  const { db, now, wait } = createPlatform(env, 0);
  const shardStore = createShardStore(db);
  const homes = createHomes({ store: shardStore, count: countShards(env), now });
  const keys = createKeyStore(db, homes);
  return {
    budget: createByteBudget({ now, wait }),
    homes,
    shardStore,
    keys,
    useFirst: createStoreAccess(db),
    apiKeyCache: createApiKeyCache({
      store: keys,
      sessions: createSessionStore(db),
      waitUntil,
      now,
    }),
  };
};

export type Shared = ReturnType<typeof createShared>;
