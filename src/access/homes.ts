import type { Home } from '../domain/home.ts';
import type { ShardStore } from '../store/shards.ts';

/** A home is held in memory this long, as keys are. */
export const HOLD_HOME_MS = 10_000;
/** While an owner is moved, it is asked again soon where it lives. */
const HOLD_MOVING_MS = 1_000;
const MAX_HELD = 10_000;

const FIRST: Home = { shard: 0, isMoving: false };

export interface HomesDeps {
  store: Pick<ShardStore, 'find'>;
  /** Of shards. */
  count: number;
  now(): number;
}

/** Where owners live. With one shard nothing is asked. */
export const createHomes = ({ store, count, now }: HomesDeps) => {
  const held = new Map<string, { home: Home; until: number }>();
  const note = (owner: string, home: Home): Home => {
    if (held.size >= MAX_HELD) held.clear();
    held.set(owner, { home, until: now() + (home.isMoving ? HOLD_MOVING_MS : HOLD_HOME_MS) });
    return home;
  };
  /** Reads anew. */
  const findMany = async (owners: readonly string[]): Promise<Map<string, Home>> => {
    const rows = count === 1 ? [] : await store.find([...new Set(owners)]);
    const found = new Map(rows.map(({ owner, shard, isMoving }) => [owner, { shard, isMoving }]));
    return new Map(owners.map((owner) => [owner, note(owner, found.get(owner) ?? FIRST)]));
  };
  return {
    count,
    note,
    findMany,
    /** Where an owner lives, as of a few seconds ago. */
    find(owner: string): Home | Promise<Home> {
      if (count === 1) return FIRST;
      const known = held.get(owner);
      if (known && now() < known.until) return known.home;
      return findMany([owner]).then((homes) => homes.get(owner) ?? FIRST);
    },
  };
};
