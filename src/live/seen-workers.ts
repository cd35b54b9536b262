/** A worker, and when it asked for work last. Times are ms. */
export interface SeenWorker {
  name: string;
  types: string[];
  seen_at: number;
}

const PREFIX = 'worker:';
/** Who was not seen for this long is forgotten. */
const FORGOTTEN_AFTER_MS = 86_400_000;
const MAX_SEEN = 1_000;

/** Who works for an owner. Each worker is noted once in a while, so this costs little. */
export const createSeenWorkers = ({
  storage,
  now,
}: {
  storage: Pick<DurableObjectStorage, 'put' | 'list' | 'delete'>;
  now(): number;
}) => {
  const list = async (): Promise<SeenWorker[]> => {
    const stored = await storage.list<SeenWorker>({ prefix: PREFIX, limit: MAX_SEEN });
    return [...stored.values()];
  };
  return {
    list,
    async note(name: string, types: string[]): Promise<void> {
      const seen = await list();
      const old = seen.filter(({ seen_at }) => seen_at < now() - FORGOTTEN_AFTER_MS);
      for (const each of old) await storage.delete(`${PREFIX}${each.name}`);
      if (seen.length - old.length >= MAX_SEEN) return;
      await storage.put(`${PREFIX}${name}`, { name, types, seen_at: now() } satisfies SeenWorker);
    },
  };
};
