import { v7 as uuidv7 } from 'uuid';
import type { ByteBudget } from './byte-budget.ts';
import { uploadObject } from './upload.ts';

/** Objects that one call lists or deletes at most. */
const MAX_OBJECTS = 1_000;
/** No file of an owner has a key like this: a colon in an owner's name is encoded. */
const ROOT = ':archive/';
const HTTP = { httpMetadata: { contentType: 'application/x-ndjson' } };
/** R2 takes far more; a prune is 200 tasks at most. */
const MAX_BYTES = 5_000_000_000;

/** One file of an archive: tasks of an owner that ended on a day (UTC). */
export interface ArchiveFile {
  /** `<day>/<name>`. */
  path: string;
  bytes: number;
  archived_at: number;
}

const toPrefix = (owner: string): string => `${ROOT}${encodeURIComponent(owner)}/`;

/** What was pruned, in R2: lines as an export has them, by owner and day. */
export const createArchive = (bucket: R2Bucket, budget: ByteBudget) => ({
  async save(owner: string, day: string, lines: AsyncIterable<Uint8Array>): Promise<void> {
    const key = `${toPrefix(owner)}${day}/${uuidv7()}.ndjson`;
    await uploadObject(bucket, key, lines, { ...HTTP, maxBytes: MAX_BYTES, budget });
  },

  /** By day, then by when they were written. @param after the path after which the page begins */
  async list(
    owner: string,
    limit: number,
    { after, day = '' }: { after?: string | undefined; day?: string | undefined } = {},
  ): Promise<{ files: ArchiveFile[]; hasMore: boolean }> {
    const owned = toPrefix(owner);
    const { objects, truncated } = await bucket.list({
      prefix: owned + day,
      limit,
      ...(after !== undefined && { startAfter: owned + after }),
    });
    const files = objects.map(({ key, size, uploaded }) => ({
      path: key.slice(owned.length),
      bytes: size,
      archived_at: uploaded.getTime(),
    }));
    return { files, hasMore: truncated };
  },

  async open(owner: string, path: string): Promise<{ bytes: number; body: ReadableStream } | null> {
    const found = await bucket.get(toPrefix(owner) + path);
    return found && { bytes: found.size, body: found.body };
  },

  /** All of an owner's; returns how many they were. */
  async removeAll(owner: string): Promise<number> {
    for (let removed = 0; ;) {
      const page = await bucket.list({ prefix: toPrefix(owner), limit: MAX_OBJECTS });
      if (page.objects.length === 0) return removed;
      await bucket.delete(page.objects.map(({ key }) => key));
      removed += page.objects.length;
    }
  },
});

export type Archive = ReturnType<typeof createArchive>;
