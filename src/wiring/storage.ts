import { AppError, describeError, GiveUp } from '../domain/errors.ts';
import type { Task } from '../domain/task.ts';
import { MAX_FILE_BYTES } from '../domain/file-name.ts';
import { writeLines } from '../engine/exporter.ts';
import { createLargeBodies } from '../engine/large-bodies.ts';
import type { Files } from '../handlers/handler.ts';
import type { Logger } from '../log.ts';
import { createArchive } from '../store/archive.ts';
import { createBodyStore, type BodyStore } from '../store/body-store.ts';
import type { ByteBudget } from '../store/byte-budget.ts';
import { createCountedFiles } from '../store/counted-files.ts';
import type { Leftover } from '../store/deletions.ts';
import { createFileStore, type FileStore } from '../store/files.ts';
import type { OwnerStore } from '../store/owners.ts';
import type { Platform } from './platform.ts';

/**
 * A task reads and writes its owner's files alone; what it writes may be larger than what is
 * uploaded.
 */
const openFiles = (files: FileStore, owner: string): Files => ({
  open: async (name) => {
    const found = await files.open(owner, name);
    return found && { body: found.body, bytes: found.info.bytes, etag: found.info.etag };
  },
  save: async (name, content, contentType) => {
    const options = { contentType, maxBytes: 4 * MAX_FILE_BYTES };
    const saved = await files.save(owner, name, content, options).catch((error: unknown) => {
      // Another try would find the same.
      throw error instanceof AppError ? new GiveUp(error.message, error.code) : error;
    });
    return { bytes: saved?.bytes ?? 0 };
  },
});

/** What stays behind is logged: it takes up room, and does no other harm. */
const createLeftoverRemover =
  (files: FileStore, bodies: BodyStore, log: Logger) =>
  async (leftovers: readonly Leftover[]): Promise<void> => {
    const warn = (error: unknown): void =>
      log.warn('leftover_not_removed', { error: describeError(error) });
    const large = leftovers.filter((each) => 'id' in each);
    if (large.length > 0) await bodies.removeMany(large).catch(warn);
    for (const each of leftovers)
      if (!('id' in each)) await files.remove(each.owner, each.name).catch(warn);
  };

/** What lies in R2: files of owners, and large parameters and results. */
export const createStorage = (
  { env, settings, log, wait }: Platform,
  owners: OwnerStore,
  budget: ByteBudget,
) => {
  const bodies = createBodyStore(env.FILES, budget);
  const files = createCountedFiles({
    files: createFileStore(env.FILES, budget),
    owners,
    maxBytes: settings.MAX_FILES_MB * 1e6,
  });
  return {
    bodies,
    archive: createArchive(env.FILES, budget),
    writeLines: (tasks: readonly Task[]) => writeLines(bodies, tasks),
    largeBodies: createLargeBodies({ bodies, budget, wait, log }),
    files,
    openFiles: (owner: string): Files => openFiles(files, owner),
    removeLeftovers: createLeftoverRemover(files, bodies, log),
  };
};
