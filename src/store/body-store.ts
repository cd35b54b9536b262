import { MAX_RESULT_BYTES, toStub, type OutsideBody } from '../domain/body.ts';
import type { TaskKey } from '../domain/task.ts';
import type { ByteBudget } from './byte-budget.ts';
import { uploadObject } from './upload.ts';

/** Objects that one call lists or deletes at most. */
const MAX_OBJECTS = 1_000;
/** No file of an owner has a key like this: a colon in an owner's name is encoded. */
const ROOT = ':bodies/';
const HTTP = { httpMetadata: { contentType: 'application/json' } };

/** A body of a task. */
export interface BodyKey extends TaskKey {
  name: string;
}

const toOwnerPrefix = (owner: string): string => `${ROOT}${encodeURIComponent(owner)}/`;
const toObjectKey = ({ owner, id, name }: BodyKey): string =>
  `${toOwnerPrefix(owner)}${id}/${name}`;
const readObjectKey = (key: string): BodyKey => {
  const [owner = '', id = '', name = ''] = key.slice(ROOT.length).split('/');
  return { owner: decodeURIComponent(owner), id, name };
};

/** A body that was written, and its stub. */
export interface StoredBody extends OutsideBody {
  stub: string;
}

/**
 * Large parameters and results, in R2. Each has a name of its own, which begins with the attempt that
 * made it (0: the submit): a late first attempt overwrites nothing of the second.
 */
export const createBodyStore = (bucket: R2Bucket, budget: ByteBudget) => {
  const makeName = (attempt: number): string => `${attempt}-${crypto.randomUUID()}`;
  return {
    /** Writes a text; returns its stub. */
    async put({ owner, id }: TaskKey, attempt: number, text: string): Promise<string> {
      const name = makeName(attempt);
      const { size } = await bucket.put(toObjectKey({ owner, id, name }), text, HTTP);
      return toStub({ bytes: size, name });
    },

    /** Writes what streams in, `MAX_RESULT_BYTES` at most; memory is that of one part. */
    async save(
      { owner, id }: TaskKey,
      attempt: number,
      content: AsyncIterable<Uint8Array>,
    ): Promise<StoredBody> {
      const name = makeName(attempt);
      const options = { ...HTTP, maxBytes: MAX_RESULT_BYTES, budget };
      const saved = await uploadObject(bucket, toObjectKey({ owner, id, name }), content, options);
      const body = { bytes: saved?.size ?? 0, name };
      return { ...body, stub: toStub(body) };
    },

    /** Null where there is none, or none any more. */
    async readText(key: BodyKey): Promise<string | null> {
      return (await (await bucket.get(toObjectKey(key)))?.text()) ?? null;
    },

    /** A body as a stream, with its ETag; null where there is none. */
    async open(key: BodyKey): Promise<{ etag: string; body: ReadableStream } | null> {
      const found = await bucket.get(toObjectKey(key));
      return found && { etag: found.httpEtag, body: found.body };
    },

    async has(key: BodyKey): Promise<boolean> {
      return (await bucket.head(toObjectKey(key))) !== null;
    },

    async removeMany(keys: readonly BodyKey[]): Promise<void> {
      const names = keys.map(toObjectKey);
      for (let from = 0; from < names.length; from += MAX_OBJECTS)
        await bucket.delete(names.slice(from, from + MAX_OBJECTS));
    },

    /** All of an owner's; returns how many they were. */
    async removeAll(owner: string): Promise<number> {
      for (let removed = 0; ;) {
        const page = await bucket.list({ prefix: toOwnerPrefix(owner), limit: MAX_OBJECTS });
        if (page.objects.length === 0) return removed;
        await bucket.delete(page.objects.map(({ key }) => key));
        removed += page.objects.length;
      }
    },

    /** Some of all, whoever's, with when each was written (ms); `next` is where the next page begins. */
    async list(
      cursor: string | undefined,
    ): Promise<{ bodies: (BodyKey & { at: number })[]; next: string | undefined }> {
      const page = await bucket.list({
        prefix: ROOT,
        limit: MAX_OBJECTS,
        ...(cursor && { cursor }),
      });
      const bodies = page.objects.map(({ key, uploaded }) => ({
        ...readObjectKey(key),
        at: uploaded.getTime(),
      }));
      return { bodies, next: page.truncated ? page.cursor : undefined };
    },
  };
};

export type BodyStore = ReturnType<typeof createBodyStore>;
