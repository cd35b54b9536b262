import { createCoalescer } from '../domain/coalescer.ts';

/** What ends this close to each other is written together. */
const GATHER_MS = 20;

/**
 * Writes together what ends together: a slow one holds up no other record. Rejects when a write
 * does.
 */
export const writeAsEnded = <Ended>(
  works: readonly Promise<Ended>[],
  write: (ended: Ended[]) => Promise<void>,
): Promise<void> =>
  new Promise((resolve, reject) => {
    let left = works.length;
    if (left === 0) resolve();
    let gathered: Ended[] = [];
    const flush = async (): Promise<void> => {
      const group = gathered;
      gathered = [];
      await write(group);
      left -= group.length;
      if (left === 0) resolve();
    };
    const flushing = createCoalescer(() => void flush().catch(reject));
    for (const each of works) {
      void each.then((ended) => {
        gathered.push(ended);
        flushing.request(GATHER_MS);
      }, reject);
    }
  });
