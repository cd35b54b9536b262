/** A worker, and when it asked for work last. Times are ms. */
export interface SeenWorker {
  name: string;
  types: string[];
  seen_at: number;
}

const KEY = 'workers';
/** Who was not seen for this long is forgotten, … */
const FORGOTTEN_AFTER_MS = 86_400_000;
/** … and of very many those that were not seen for longest: each process has a name of its own. */
const MAX_SEEN = 100;

/** Who works for an owner. Each worker is noted once in a while, so this costs little. */
export const createSeenWorkers = ({
  storage,
  now,
}: {
  storage: Pick<DurableObjectStorage, 'get' | 'put' | 'delete'>;
  now(): number;
}) => {
  /** The last seen first. */
  const list = async (): Promise<SeenWorker[]> => (await storage.get<SeenWorker[]>(KEY)) ?? [];
  return {
    list,
    async note(name: string, types: string[]): Promise<void> {
      const others = (await list()).filter(
        (each) => each.name !== name && each.seen_at > now() - FORGOTTEN_AFTER_MS,
      );
      await storage.put(KEY, [{ name, types, seen_at: now() }, ...others].slice(0, MAX_SEEN));
    },
    async remove(name: string): Promise<void> {
      const all = await list();
      const others = all.filter((each) => each.name !== name);
      if (others.length < all.length) await storage.put(KEY, others);
    },
    async forget(): Promise<void> {
      await storage.delete(KEY);
    },
  };
};
