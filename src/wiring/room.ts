import { createArchiver } from '../engine/archiver.ts';
import { createBytesQuota } from '../engine/bytes-quota.ts';
import { createDatabaseSize } from '../engine/database-size.ts';
import { createOrphans } from '../engine/orphans.ts';
import { createQuota } from '../engine/quota.ts';
import { createBodyNames } from '../store/body-names.ts';
import { createExports } from '../store/exports.ts';
import type { OwnerStore } from '../store/owners.ts';
import type { TaskStore } from '../store/tasks.ts';
import type { EngineDeps } from './engine-deps.ts';

type RoomDeps = Pick<
  EngineDeps,
  | 'db'
  | 'bodies'
  | 'archive'
  | 'keepOwn'
  | 'databaseLimitBytes'
  | 'maxUnfinished'
  | 'maxStoredBytes'
  | 'now'
  | 'log'
> & { owners: OwnerStore; store: TaskStore };

/** What keeps a database, and an owner in it, from filling up. */
export const createRoom = ({
  db,
  bodies,
  archive,
  keepOwn,
  owners,
  store,
  now,
  log,
  ...limits
}: RoomDeps) => {
  const { databaseLimitBytes: limitBytes, maxUnfinished, maxStoredBytes: maxBytes } = limits;
  return {
    databaseSize: createDatabaseSize({
      readBytes: async () => (await owners.readUsage('')).database,
      limitBytes,
      now,
      log,
    }),
    quota: createQuota({ countUnfinished: store.countUnfinished, maxUnfinished, now }),
    bytesQuota: createBytesQuota({ readUsage: owners.readUsage, maxBytes, limitBytes, now }),
    pruneTasks:
      archive === null
        ? store.prune
        : createArchiver({ archive, exports: createExports(db), bodies, store }),
    orphans: createOrphans({ bodies, names: createBodyNames(db), keepOwn, now, log }),
  };
};
