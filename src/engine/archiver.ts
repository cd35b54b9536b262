import type { Task } from '../domain/task.ts';
import type { Archive } from '../store/archive.ts';
import type { BodyStore } from '../store/body-store.ts';
import type { Prunable } from '../store/prunes.ts';
import type { Exports } from '../store/exports.ts';
import type { TaskStore } from '../store/tasks.ts';
import { writeLines } from './exporter.ts';

export interface ArchiverDeps {
  archive: Pick<Archive, 'save'>;
  exports: Pick<Exports, 'readWhole'>;
  bodies: Pick<BodyStore, 'open'>;
  store: Pick<TaskStore, 'findPrunable' | 'deleteArchived'>;
}

/** The day on which a task ended, in UTC. */
const toDay = ({ completed_at }: Prunable): string =>
  new Date(completed_at).toISOString().slice(0, 10);

/**
 * Prunes by way of the archive: what is deleted was written there first. After a crash in between it is
 * written once more; a restore takes each task once.
 */
export const createArchiver = ({
  archive,
  exports,
  bodies,
  store,
}: ArchiverDeps): TaskStore['prune'] => {
  const writeGroup = async function* (tasks: readonly Prunable[]): AsyncGenerator<Uint8Array> {
    const versions = new Map(tasks.map(({ id, version }) => [id, version]));
    const isSame = ({ id, version }: Task): boolean => versions.get(id) === version;
    for await (const rows of exports.readWhole(tasks))
      yield* writeLines(bodies, rows.filter(isSame));
  };

  return async (cutoffs, limit) => {
    const prunable = await store.findPrunable(cutoffs, limit);
    if (prunable.length === 0) return { pruned: 0, leftovers: [] };
    for (const [name, tasks] of Map.groupBy(prunable, (task) => `${task.owner} ${toDay(task)}`)) {
      const [owner = '', day = ''] = name.split(' ');
      await archive.save(owner, day, writeGroup(tasks));
    }
    return store.deleteArchived(prunable);
  };
};
