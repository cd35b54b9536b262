import { REFUSE_PART, WARN_PART } from '../domain/database-limit.ts';
import type { Logger } from '../log.ts';

/** What is known of a full database is looked at again after this long. */
const LOOK_EVERY_MS = 5_000;

export interface DatabaseSizeDeps {
  /** Bytes of the whole database. */
  readBytes(): Promise<number>;
  limitBytes: number;
  now(): number;
  log: Logger;
}

/**
 * How large the database is, as the last answer said that told it. It is asked for itself only at
 * the first submit and while it is full.
 */
export const createDatabaseSize = ({ readBytes, limitBytes, now, log }: DatabaseSizeDeps) => {
  let bytes: number | null = null;
  let notedAt = -Infinity;
  let hasWarned = false;

  const getUsedPart = (): number => (bytes ?? 0) / limitBytes;

  const note = (found: number): void => {
    bytes = found;
    notedAt = now();
    const isFilling = getUsedPart() >= WARN_PART;
    if (isFilling && !hasWarned) log.warn('database_filling', { bytes: found });
    hasWarned = isFilling;
  };

  const isStale = (): boolean =>
    bytes === null || (getUsedPart() >= REFUSE_PART && now() - notedAt >= LOOK_EVERY_MS);

  return {
    /** An answer told how large the database is. */
    note,
    getUsedPart,

    /** Whether new tasks have to be refused; false while nobody knows. */
    async isFull(): Promise<boolean> {
      if (isStale()) {
        notedAt = now();
        await readBytes().then(note, () => {});
      }
      return getUsedPart() >= REFUSE_PART;
    },
  };
};

export type DatabaseSize = ReturnType<typeof createDatabaseSize>;
