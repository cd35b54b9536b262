import type { Task } from '../domain/task.ts';

/** Counting reads a row for each task, so it is done this often at most for an owner who is at the limit. */
const RECOUNT_MS = 5_000;

interface Tally {
  /** As of the last count; null before the first. */
  counted: number | null;
  countedAt: number;
  /** Accepted since then. What has ended since is not known, and comes out at the next count. */
  since: number;
}

export interface QuotaDeps {
  /** How many tasks of an owner have not ended; stops counting at `most`. */
  countUnfinished(owner: string, most: number): Promise<number>;
  /** Unfinished tasks that an owner may have, about. */
  maxUnfinished: number;
  now(): number;
}

/** Keeps one owner from filling the service up. Approximate, so that no submit has to count. */
export const createQuota = ({ countUnfinished, maxUnfinished, now }: QuotaDeps) => {
  const tallies = new Map<string, Tally>();

  const recount = async (owner: string, tally: Tally): Promise<void> => {
    if (tally.counted !== null && now() - tally.countedAt < RECOUNT_MS) return;
    tally.countedAt = now();
    const { since } = tally;
    tally.counted = await countUnfinished(owner, maxUnfinished + 1);
    tally.since -= since;
  };

  return {
    /** Whether an owner may have so many tasks more; if so they are counted in. */
    async take(tasks: readonly Pick<Task, 'owner'>[]): Promise<boolean> {
      for (const [owner, mine] of Map.groupBy(tasks, (task) => task.owner)) {
        const tally = tallies.get(owner) ?? { counted: null, countedAt: -Infinity, since: 0 };
        tallies.set(owner, tally);
        const isOver = (): boolean =>
          (tally.counted ?? 0) + tally.since + mine.length > maxUnfinished;
        // The first count is due long before the limit: nobody knows what was there when this object woke up.
        if (isOver() || (tally.counted === null && tally.since + mine.length > maxUnfinished / 10))
          await recount(owner, tally);
        if (isOver()) return false;
        tally.since += mine.length;
      }
      return true;
    },
  };
};

export type Quota = ReturnType<typeof createQuota>;
