import { describeError } from '../domain/errors.ts';
import type { Logger } from '../log.ts';
import type { BodyNames } from '../store/body-names.ts';
import type { BodyStore } from '../store/body-store.ts';

/** A body is written before its row: a younger one may still get it. */
const MIN_AGE_MS = 24 * 3_600_000;
const SWEEP_EVERY_MS = 24 * 3_600_000;

export interface OrphansDeps {
  bodies: Pick<BodyStore, 'list' | 'removeMany'>;
  names: BodyNames;
  /** Of several shards each looks after the bodies of its own owners, while they are not moved. */
  keepOwn<Body extends { owner: string }>(bodies: readonly Body[]): Promise<readonly Body[]>;
  now(): number;
  log: Logger;
}

/** Bodies whose rows never came, or went while nobody looked, are deleted: once a day, a page at a time. */
export const createOrphans = ({ bodies, names, keepOwn, now, log }: OrphansDeps) => {
  let cursor: string | undefined;
  let sweepAt = -Infinity;
  return {
    /** Looks at some, now and then; true when there are more. Never throws. */
    async sweep(): Promise<boolean> {
      if (now() < sweepAt) return false;
      try {
        const page = await bodies.list(cursor);
        const old = page.bodies.filter(({ at }) => at < now() - MIN_AGE_MS);
        const orphans = await names.findOrphans(await keepOwn(old));
        if (orphans.length > 0) {
          await bodies.removeMany(orphans);
          log.info('orphans_removed', { bodies: orphans.length });
        }
        cursor = page.next;
      } catch (error) {
        log.warn('orphans_not_swept', { error: describeError(error) });
        cursor = undefined;
      }
      if (cursor === undefined) sweepAt = now() + SWEEP_EVERY_MS;
      return cursor !== undefined;
    },
  };
};

export type Orphans = ReturnType<typeof createOrphans>;
