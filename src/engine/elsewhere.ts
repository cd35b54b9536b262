import type { Home } from '../domain/home.ts';
import type { Task, TaskKey } from '../domain/task.ts';
import type { LeaseStore } from '../store/leases.ts';
import { readRecordingKey, type Recording } from '../store/recordings.ts';
import type { Transitions } from '../store/transitions.ts';

/** What is to be written waits until its owner lives somewhere again. */
export class OwnerMoving extends Error {
  /** @param moving what could not be written; @param written the rows that took the rest */
  constructor(
    readonly moving: readonly Recording[] = [],
    readonly written: readonly Task[] = [],
  ) {
    super('The owner is being moved to another database');
  }
}

export interface ElsewhereDeps {
  /** Read anew. */
  homes: { count: number; findMany(owners: readonly string[]): Promise<Map<string, Home>> };
  /** This one. */
  shard: number;
  /** The stores of another shard. */
  findShard(shard: number): {
    transitions: Pick<Transitions, 'record' | 'writeRecordings'>;
    leases: LeaseStore;
  };
}

/**
 * Who ran a task while its owner was moved finds no row any more, and asks where the owner lives: there it
 * renews the lease, and records the outcome, by the same fence. Of one database nothing is asked.
 */
export const createElsewhere = ({ homes, shard, findShard }: ElsewhereDeps) => {
  /** Of these, those whose owners live elsewhere, by shard; and those that are on their way. */
  const sort = async <Item>(items: readonly Item[], ownerOf: (item: Item) => string) => {
    const found = await homes.findMany(items.map(ownerOf));
    const homeOf = (item: Item): Home => found.get(ownerOf(item)) ?? { shard, isMoving: false };
    return {
      moving: items.filter((item) => homeOf(item).isMoving),
      away: Map.groupBy(
        items.filter((item) => !homeOf(item).isMoving && homeOf(item).shard !== shard),
        (item) => homeOf(item).shard,
      ),
    };
  };
  const isOnly = homes.count === 1;
  const ownerOf = ({ owner }: Pick<TaskKey, 'owner'>): string => owner;

  return {
    forLeases(leases: LeaseStore): LeaseStore {
      if (isOnly) return leases;
      const follow =
        (call: 'renew' | 'findHeld') =>
        async (...[all, now]: Parameters<LeaseStore['renew']>): Promise<Set<string>> => {
          const held = await leases[call](all, now);
          const missing = all.filter(({ id }) => !held.has(id));
          if (missing.length === 0) return held;
          const { moving, away } = await sort(missing, ownerOf);
          for (const { id } of moving) held.add(id);
          for (const [other, own] of away)
            for (const id of await findShard(other).leases[call](own, now)) held.add(id);
          return held;
        };
      const findHeld = follow('findHeld');
      return { renew: follow('renew'), findHeld: (all) => findHeld(all, 0) };
    },

    forTransitions(transitions: Transitions): Transitions {
      if (isOnly) return transitions;
      return {
        ...transitions,
        /** Rejects with `OwnerMoving` where some are on their way; the others are written. */
        async record(recordings, now) {
          const written = await transitions.record(recordings, now);
          if (written.length === recordings.length) return written;
          const ids = new Set(written.map(({ id }) => id));
          const missing = recordings.filter(({ task }) => !ids.has(task.id));
          const { moving, away } = await sort(missing, ({ task }) => task.owner);
          for (const [other, own] of away)
            written.push(...(await findShard(other).transitions.record(own, now)));
          if (moving.length > 0) throw new OwnerMoving(moving, written);
          return written;
        },
        async writeRecordings(kept) {
          await transitions.writeRecordings(kept);
          const { moving, away } = await sort(kept, (text) => readRecordingKey(text).owner);
          for (const [other, own] of away) await findShard(other).transitions.writeRecordings(own);
          if (moving.length > 0) throw new OwnerMoving();
        },
      };
    },
  };
};

export type Elsewhere = ReturnType<typeof createElsewhere>;
