import { PRUNE_PART } from '../domain/database-limit.ts';
import { findLatestCutoff, type PruneCutoffs } from '../domain/retention.ts';
import type { Logger } from '../log.ts';
import type { AdmissionStore } from '../store/admission.ts';
import type { Leftover } from '../store/deletions.ts';
import type { FlowStore } from '../store/flows.ts';
import type { TaskStore } from '../store/tasks.ts';
import type { DatabaseSize } from './database-size.ts';
import type { Orphans } from './orphans.ts';

/** Rows deleted at a time for being old: few, so that no other statement waits for it. */
const PRUNE_LIMIT = 200;
/** A prune reads the old rows that it may not delete yet, so it is not done at every tick. */
const PRUNE_EVERY_MS = 3_600_000;
/** Where nothing that has ended is left to be deleted, room is looked for again after this. */
const MAKE_ROOM_EVERY_MS = 60_000;

/** Flows that make room at a time, where no other task has ended. */
const FLOWS_FOR_ROOM = 10;

/** Sub-keys that are looked at together. */
const MAX_SUBS = 2_000;
const FIRST_SUB = { owner: '', key: '', sub_key: '' };

export interface PrunerDeps {
  /** Deletes tasks, and keeps them in an archive where there is one. */
  pruneTasks: TaskStore['prune'];
  flows: Pick<FlowStore, 'markOld' | 'deleteMarked'>;
  orphans: Pick<Orphans, 'sweep'>;
  admissions: Pick<AdmissionStore, 'pruneSubs'>;
  databaseSize: Pick<DatabaseSize, 'getUsedPart'>;
  /** When tasks must have ended to be deleted, at `now` (ms). */
  computeCutoffs(now: number): PruneCutoffs;
  /** Whether tasks that have ended are deleted, oldest first, while the database is nearly full. */
  pruneWhenFull: boolean;
  /** Removes files that tasks had written; never throws. */
  removeLeftovers(leftovers: readonly Leftover[]): Promise<void>;
  now(): number;
  log: Logger;
}

/** Deletes tasks that ended long ago, a few at a time. */
export const createPruner = (deps: PrunerDeps) => {
  const { pruneTasks, flows, admissions, databaseSize, computeCutoffs, pruneWhenFull } = deps;
  const { removeLeftovers } = deps;
  const { now, log } = deps;
  let pruneAt = -Infinity;
  let makeRoomAt = -Infinity;
  let pruneSubsAt = -Infinity;
  let subsAfter = FIRST_SUB;

  /** What is past its retention. */
  const pruneOld = async (): Promise<boolean> => {
    const cutoffs = computeCutoffs(now());
    if (now() < pruneAt || findLatestCutoff(cutoffs) === 0) return false;
    const { pruned, leftovers } = await pruneTasks(cutoffs, PRUNE_LIMIT);
    const { otherwise } = cutoffs;
    const marked = otherwise > 0 ? await flows.markOld(otherwise, PRUNE_LIMIT, now()) : 0;
    const hasMore = Math.max(pruned, marked) === PRUNE_LIMIT;
    pruneAt = hasMore ? now() : now() + PRUNE_EVERY_MS;
    await removeLeftovers(leftovers);
    if (pruned > 0) log.info('pruned', { tasks: pruned });
    return hasMore;
  };

  /** What has ended, oldest first and whatever its retention, while the database is nearly full. */
  const makeRoom = async (): Promise<boolean> => {
    if (!pruneWhenFull || databaseSize.getUsedPart() < PRUNE_PART || now() < makeRoomAt)
      return false;
    const { pruned, leftovers } = await pruneTasks(null, PRUNE_LIMIT);
    const isFull = pruned === PRUNE_LIMIT;
    const marked = isFull ? 0 : await flows.markOld(now(), FLOWS_FOR_ROOM, now());
    if (pruned + marked === 0) makeRoomAt = now() + MAKE_ROOM_EVERY_MS;
    await removeLeftovers(leftovers);
    if (pruned > 0) log.warn('pruned', { tasks: pruned, reason: 'database_full' });
    return isFull || marked === FLOWS_FOR_ROOM;
  };

  /** Flows that are marked: what an interrupted delete left, and what was marked just now. */
  const deleteMarked = async (): Promise<boolean> => {
    const { tasks, flows: gone, leftovers } = await flows.deleteMarked(null, PRUNE_LIMIT);
    await removeLeftovers(leftovers);
    if (gone > 0) log.info('pruned', { flows: gone });
    return Math.max(tasks.length, gone) === PRUNE_LIMIT;
  };

  /** What is kept of sub-keys that rates hold back no more. */
  const pruneSubs = async (): Promise<void> => {
    if (now() < pruneSubsAt) return;
    const last = await admissions.pruneSubs(subsAfter, now(), MAX_SUBS);
    subsAfter = last ?? FIRST_SUB;
    if (last === null) pruneSubsAt = now() + PRUNE_EVERY_MS;
  };

  return {
    /** Now and then deletes some; true when there may be more of it. */
    async prune(): Promise<boolean> {
      await pruneSubs();
      const isMore = [await pruneOld(), await makeRoom(), await deleteMarked()].includes(true);
      return (await deps.orphans.sweep()) || isMore;
    },
  };
};
