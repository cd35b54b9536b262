import { AppError } from '../domain/errors.ts';
import type { FileInfo, FileStore } from './files.ts';
import type { OwnerStore } from './owners.ts';

export interface CountedFilesDeps {
  files: FileStore;
  owners: Pick<OwnerStore, 'get' | 'addFileBytes' | 'setFileBytes'>;
  /** Bytes that the files of one owner may take up. */
  maxBytes: number;
}

/**
 * The files of owners, whose bytes are counted as they come and go. A crash between a file and its
 * count is mended when the owner seems to be at the limit: then the files themselves are counted.
 */
export const createCountedFiles = ({ files, owners, maxBytes }: CountedFilesDeps): FileStore => {
  const findRoom = async (owner: string): Promise<number> => {
    const counted = (await owners.get(owner)).file_bytes;
    if (counted < maxBytes) return maxBytes - counted;
    const measured = await files.measure(owner);
    await owners.setFileBytes(owner, measured);
    return maxBytes - measured;
  };

  return {
    ...files,

    async save(owner, name, content, options): Promise<FileInfo | null> {
      const [before, room] = await Promise.all([files.info(owner, name), findRoom(owner)]);
      const replaced = before?.bytes ?? 0;
      if (room + replaced <= 0)
        throw new AppError(
          'too_many_bytes',
          `The files of this owner take up ${Math.floor(maxBytes / 1e6)} MB already; delete some`,
        );
      const saved = await files.save(owner, name, content, {
        ...options,
        maxBytes: Math.min(options.maxBytes, room + replaced),
      });
      if (saved) await owners.addFileBytes(owner, saved.bytes - replaced);
      return saved;
    },

    async remove(owner, name): Promise<boolean> {
      const before = await files.info(owner, name);
      const isRemoved = await files.remove(owner, name);
      if (before && isRemoved) await owners.addFileBytes(owner, -before.bytes);
      return isRemoved;
    },
  };
};
