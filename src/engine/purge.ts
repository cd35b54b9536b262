import { toDeliveryId, type DeliveryKey } from '../domain/delivery.ts';
import type { Logger } from '../log.ts';
import type { TaskKey } from '../domain/task.ts';
import type { Leftover, PurgedTask } from '../store/deletions.ts';
import type { FlowStore } from '../store/flows.ts';
import type { TaskStore } from '../store/tasks.ts';

/** Rows per statement of a purge: few enough that no other statement waits for it. */
const PURGE_CHUNK = 200;
/** Tasks that one call of a purge deletes; fewer mean that none is left. */
export const MAX_PURGED = 5_000;

/** A delete gives open deliveries up; only the log remembers them. */
export const logGivenUp = (log: Logger, deliveries: readonly DeliveryKey[]): void => {
  for (const delivery of deliveries) {
    const { owner, task_id, sink } = delivery;
    const fields = { delivery: toDeliveryId(delivery), owner, task_id, sink };
    log.warn('delivery_given_up', { ...fields, reason: 'task_deleted' });
  }
};

export interface PurgeDeps {
  /** Drops cached outputs. */
  invalidate(keys: TaskKey[]): Promise<void>;
  /** Ends the live streams of deleted tasks; best effort. */
  closeStreams(owner: string, ids: string[]): Promise<void>;
  /** Removes files that deleted tasks had written; never throws. */
  removeLeftovers(leftovers: readonly Leftover[]): Promise<void>;
  now(): number;
  log: Logger;
  store: Pick<TaskStore, 'purge'>;
  flows: Pick<FlowStore, 'markAllDeleted' | 'deleteMarked'>;
}

/**
 * Deletes an owner's tasks and flows, running ones too, whose results are then refused: `MAX_PURGED` of
 * them, for one invocation asks for so much. Returns what tasks they were.
 */
export const createPurge =
  ({ store, flows, invalidate, closeStreams, removeLeftovers, now, log }: PurgeDeps) =>
  async (owner: string): Promise<PurgedTask[]> => {
    const purged: PurgedTask[] = [];
    // First, so that none of them makes further tasks.
    await flows.markAllDeleted(owner, now());
    while (purged.length < MAX_PURGED) {
      const { tasks: some, givenUp, leftovers } = await store.purge(owner, PURGE_CHUNK);
      logGivenUp(log, givenUp);
      purged.push(...some);
      const ids = some.map(({ id }) => id);
      const keys = ids.map((id) => ({ owner, id }));
      await Promise.all([invalidate(keys), closeStreams(owner, ids), removeLeftovers(leftovers)]);
      if (some.length < PURGE_CHUNK) break;
    }
    await flows.deleteMarked(owner, PURGE_CHUNK);
    return purged;
  };
