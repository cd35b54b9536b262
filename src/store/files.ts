import type { ByteBudget } from './byte-budget.ts';
import { uploadObject } from './upload.ts';

/** Files that one call deletes at most: https://developers.cloudflare.com/r2/api/workers/workers-api-reference/ */
const MAX_REMOVED = 1_000;

/** A file as the listing shows it; `uploaded_at` is in ms. */
export interface FileInfo {
  name: string;
  bytes: number;
  content_type: string | null;
  etag: string;
  uploaded_at: number;
}

/** The condition for R2 that the file is still as it was; `*` stands for any file at all. */
const toCondition = (onlyIf: FileInfo | null | undefined): { onlyIf?: R2Conditional } => {
  if (onlyIf === undefined) return {};
  return { onlyIf: onlyIf ? { etagMatches: unquote(onlyIf.etag) } : { etagDoesNotMatch: '*' } };
};
const unquote = (etag: string): string => etag.replaceAll('"', '');

/**
 * The files of an owner, in R2. Every name is the owner's own: another owner's file does not exist.
 */
export const createFileStore = (bucket: R2Bucket, budget: ByteBudget) => {
  const toKey = (owner: string, name: string): string => `${encodeURIComponent(owner)}/${name}`;
  const toFileInfo = (
    owner: string,
    { key, size, httpMetadata, httpEtag, uploaded }: R2Object,
  ): FileInfo => ({
    name: key.slice(toKey(owner, '').length),
    bytes: size,
    content_type: httpMetadata?.contentType ?? null,
    etag: httpEtag,
    uploaded_at: uploaded.getTime(),
  });

  return {
    /** A file and its content as a stream; null where there is none. */
    async open(
      owner: string,
      name: string,
    ): Promise<{ info: FileInfo; body: ReadableStream<Uint8Array> } | null> {
      const found = await bucket.get(toKey(owner, name));
      return found && { info: toFileInfo(owner, found), body: found.body };
    },

    async info(owner: string, name: string): Promise<FileInfo | null> {
      const found = await bucket.head(toKey(owner, name));
      return found && toFileInfo(owner, found);
    },

    /**
     * Writes or replaces a file while it streams in, its size still unknown. One that turns out too
     * large is refused, and not kept. `onlyIf`: the file as it must still be at the end, null for
     * none; null is returned when it is not.
     */
    async save(
      owner: string,
      name: string,
      content: AsyncIterable<Uint8Array>,
      {
        contentType,
        maxBytes,
        onlyIf,
      }: { contentType: string; maxBytes: number; onlyIf?: FileInfo | null | undefined },
    ): Promise<FileInfo | null> {
      const key = toKey(owner, name);
      const saved = await uploadObject(bucket, key, content, {
        httpMetadata: { contentType },
        maxBytes,
        budget,
        ...toCondition(onlyIf),
        mayComplete: async () =>
          onlyIf === undefined || (await bucket.head(key))?.httpEtag === onlyIf?.etag,
      });
      return saved && toFileInfo(owner, saved);
    },

    /** False where there was none. */
    async remove(owner: string, name: string): Promise<boolean> {
      const key = toKey(owner, name);
      if (!(await bucket.head(key))) return false;
      await bucket.delete(key);
      return true;
    },

    /** All of an owner's; returns how many they were. */
    async removeAll(owner: string): Promise<number> {
      const prefix = toKey(owner, '');
      for (let removed = 0; ;) {
        const { objects } = await bucket.list({ prefix, limit: MAX_REMOVED });
        if (objects.length === 0) return removed;
        await bucket.delete(objects.map(({ key }) => key));
        removed += objects.length;
      }
    },

    /** The bytes of all of an owner's files, counted one by one. */
    async measure(owner: string): Promise<number> {
      const prefix = toKey(owner, '');
      let bytes = 0;
      let cursor: string | undefined;
      do {
        const page: R2Objects = await bucket.list({ prefix, ...(cursor && { cursor }) });
        bytes += page.objects.reduce((sum, { size }) => sum + size, 0);
        cursor = page.truncated ? page.cursor : undefined;
      } while (cursor !== undefined);
      return bytes;
    },

    /** By name. `after` is the name after which the page begins. */
    async list(
      owner: string,
      limit: number,
      after?: string,
    ): Promise<{ files: FileInfo[]; hasMore: boolean }> {
      const prefix = toKey(owner, '');
      const { objects, truncated } = await bucket.list({
        prefix,
        limit,
        include: ['httpMetadata'],
        ...(after !== undefined && { startAfter: `${prefix}${after}` }),
      });
      return { files: objects.map((object) => toFileInfo(owner, object)), hasMore: truncated };
    },
  };
};

export type FileStore = ReturnType<typeof createFileStore>;
