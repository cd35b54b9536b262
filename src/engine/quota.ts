import type { Task } from '../domain/task.ts';

/**
 * Counting reads a row for each task, so it is done this often at most for an owner who is at the
 * limit.
 */
const RECOUNT_MS = 5_000;

interface Usage {
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
  const usages = new Map<string, Usage>();

  const recount = async (owner: string, usage: Usage): Promise<void> => {
    if (usage.counted !== null && now() - usage.countedAt < RECOUNT_MS) return;
    usage.countedAt = now();
    const { since } = usage;
    usage.counted = await countUnfinished(owner, maxUnfinished + 1);
    usage.since -= since;
  };

  const tryReserveFor = async (owner: string, count: number): Promise<boolean> => {
    const usage = usages.get(owner) ?? { counted: null, countedAt: -Infinity, since: 0 };
    usages.set(owner, usage);
    const isOver = (): boolean => (usage.counted ?? 0) + usage.since + count > maxUnfinished;
    // The first count is due long before the limit: this object does not know what was there when
    // it woke up.
    const isUncounted = usage.counted === null && usage.since + count > maxUnfinished / 10;
    if (isOver() || isUncounted) await recount(owner, usage);
    if (isOver()) return false;
    usage.since += count;
    return true;
  };

  return {
    /** Whether the owners may have these tasks more; if so they are counted in. */
    async tryReserve(tasks: readonly Pick<Task, 'owner'>[]): Promise<boolean> {
      for (const [owner, own] of Map.groupBy(tasks, (task) => task.owner))
        if (!(await tryReserveFor(owner, own.length))) return false;
      return true;
    },
  };
};

export type Quota = ReturnType<typeof createQuota>;
