import type { AppContext } from './context.ts';
import { consumeRate } from './middleware/limit.ts';
import { orUnavailable } from './read-task.ts';

/** Units of the rate of reads: one for a read, one more for so many bytes, … */
const BYTES_A_UNIT = 100_000;
/** … and for a search. */
const SEARCH_UNITS = 10;

/** A page of so many rows is no heavy read. */
const FEW_ROWS = 20;

/**
 * Reads what may be much: one at a time for each owner, so that nobody's searches hold up the
 * others. A key has a rate of what its reads cost; 429 beyond it.
 */
export const readHeavy = async <T extends { bytes?: number }>(
  c: AppContext,
  { isSearch, rows }: { isSearch: boolean; rows: number },
  work: () => Promise<T>,
): Promise<T> => {
  await consumeRate(c, 'reads', isSearch ? SEARCH_UNITS : 1);
  const { turns } = c.get('services');
  const read = await orUnavailable(c, () =>
    isSearch || rows > FEW_ROWS ? turns.take(c.get('owner'), work) : work(),
  );
  await consumeRate(c, 'reads', Math.floor((read.bytes ?? 0) / BYTES_A_UNIT));
  return read;
};
