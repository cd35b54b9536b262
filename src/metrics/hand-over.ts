import { addCells, type Cells } from './cells.ts';
import type { CellBatch } from './figures.ts';

/** An owner's figures are gathered for this long before its own object gets them. */
const GATHER_MS = 60_000;
/** Of an object that does not answer for so many minutes the oldest figures are given up. */
const MAX_BATCHES = 20;

const PREFIX = 'batches:';
const keyOf = (owner: string): string => `${PREFIX}${owner}`;

/** What an owner's object does not have yet. */
interface Waiting {
  since: number;
  batches: CellBatch[];
  /** The last batch may have arrived, so it must not grow. */
  isClosed: boolean;
}

interface HandOverDeps {
  storage: DurableObjectStorage;
  give(owner: string, batches: CellBatch[]): Promise<void>;
}

/**
 * Hands figures over to the object of their owner, once a minute, each exactly once: a batch has a
 * number, under which it is given again until its arrival is known.
 */
export const createHandOver = ({ storage, give }: HandOverDeps) => {
  let loaded: Map<string, Waiting> | undefined;

  const load = async (): Promise<Map<string, Waiting>> => {
    if (loaded) return loaded;
    const stored = await storage.list<Waiting>({ prefix: PREFIX });
    const found = [...stored].map(([key, value]): [string, Waiting] => [
      key.slice(PREFIX.length),
      { ...value, isClosed: true },
    ]);
    return (loaded ??= new Map(found));
  };

  const addTo = (waiting: Waiting, cells: Cells, now: number): void => {
    const last = waiting.batches.at(-1);
    if (last && !waiting.isClosed) return addCells(last.cells, cells);
    // Numbers grow with time, so they do even if the owner was erased in between.
    waiting.batches.push({ number: Math.max(now, (last?.number ?? 0) + 1), cells });
    waiting.isClosed = false;
    if (waiting.batches.length > MAX_BATCHES) waiting.batches.shift();
  };

  return {
    /** Adds what happened to each owner's tasks. Returns the entries to be stored. */
    async add(figures: Map<string, Cells>, now: number): Promise<Record<string, Waiting>> {
      const all = await load();
      const entries: Record<string, Waiting> = {};
      for (const [owner, cells] of figures) {
        const waiting = all.get(owner) ?? { since: now, batches: [], isClosed: false };
        all.set(owner, waiting);
        addTo(waiting, cells, now);
        entries[keyOf(owner)] = waiting;
      }
      return entries;
    },

    /** Gives away what has waited for a minute. Returns when to come again; null when never. */
    async run(now: number): Promise<number | null> {
      const all = await load();
      for (const [owner, waiting] of all) {
        if (now - waiting.since < GATHER_MS) continue;
        waiting.since = now;
        waiting.isClosed = true;
        const given = waiting.batches.at(-1)?.number ?? 0;
        const hasArrived = await give(owner, waiting.batches).then(
          () => true,
          // It is given again in a minute.
          () => false,
        );
        if (!hasArrived) continue;
        waiting.batches = waiting.batches.filter(({ number }) => number > given);
        if (waiting.batches.length > 0) continue;
        all.delete(owner);
        await storage.delete(keyOf(owner));
      }
      if (all.size === 0) return null;
      return Math.min(...[...all.values()].map(({ since }) => since)) + GATHER_MS;
    },

    /** What an owner's object may not have yet. */
    listBatches: async (owner: string): Promise<CellBatch[]> =>
      (await load()).get(owner)?.batches ?? [],

    async forget(owner: string): Promise<void> {
      (await load()).delete(owner);
      await storage.delete(keyOf(owner));
    },
  };
};
