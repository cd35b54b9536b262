import type { ByteBudget } from './byte-budget.ts';
import { PART_BYTES, splitParts } from './parts.ts';

export interface UploadOptions extends R2MultipartOptions {
  maxBytes: number;
  budget: ByteBudget;
  /** What must hold for an object that is written at once. */
  onlyIf?: R2Conditional;
  /** Whether one of many parts, which takes no condition, may take its place at the end. */
  mayComplete?(): Promise<boolean>;
}

/**
 * Writes an object while it streams in, its size still unknown. One that turns out too large, or that
 * ends in the middle, is not kept. Null where a condition did not hold.
 */
export const uploadObject = async (
  bucket: R2Bucket,
  key: string,
  content: AsyncIterable<Uint8Array>,
  { maxBytes, budget, onlyIf, mayComplete, ...options }: UploadOptions,
): Promise<R2Object | null> => {
  let upload: R2MultipartUpload | null = null;
  try {
    const uploaded: R2UploadedPart[] = [];
    for await (const part of splitParts(content, maxBytes, budget)) {
      // Most fit one part, and need no upload of many.
      if (!upload && part.byteLength < PART_BYTES)
        return await bucket.put(key, part, { ...options, ...(onlyIf && { onlyIf }) });
      upload ??= await bucket.createMultipartUpload(key, options);
      if (part.byteLength > 0) uploaded.push(await upload.uploadPart(uploaded.length + 1, part));
    }
    if (!upload) throw new Error('Nothing was written');
    // This is as close as it gets.
    if (mayComplete && !(await mayComplete())) {
      await upload.abort();
      return null;
    }
    return await upload.complete(uploaded);
  } catch (error) {
    await upload?.abort().catch(() => {}); // R2 drops what is left of it after a week.
    throw error;
  }
};
