import { AppError } from '../domain/errors.ts';
import type { ByteBudget } from './byte-budget.ts';

/** R2 asks that all parts of an upload but the last have the same size, 5 MiB at least. */
export const PART_BYTES = 5 * 1_024 * 1_024;
/** Files up to this size need no buffer of a whole part. */
const SMALL_BYTES = 256 * 1_024;

/**
 * Chunks of any size as pieces of exactly `PART_BYTES`, the last one shorter; at least one. A piece
 * is valid until the next is asked for.
 */
export const splitParts = async function* (
  content: AsyncIterable<Uint8Array>,
  maxBytes: number,
  budget: ByteBudget,
): AsyncGenerator<Uint8Array> {
  let part = new Uint8Array(SMALL_BYTES);
  let filled = 0;
  let bytes = 0;
  let giveBack = (): void => {};
  const grow = async (): Promise<void> => {
    giveBack = await budget.take(PART_BYTES);
    const large = new Uint8Array(PART_BYTES);
    large.set(part.subarray(0, filled));
    part = large;
  };
  try {
    for await (const chunk of content) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes)
        throw new AppError('body_too_large', `A file may have at most ${maxBytes} bytes`);
      if (part.byteLength < PART_BYTES && filled + chunk.byteLength > SMALL_BYTES) await grow();
      for (let taken = 0; taken < chunk.byteLength;) {
        const piece = chunk.subarray(taken, taken + part.byteLength - filled);
        part.set(piece, filled);
        taken += piece.byteLength;
        filled += piece.byteLength;
        if (filled < PART_BYTES) continue;
        yield part;
        filled = 0;
      }
    }
    yield part.subarray(0, filled);
  } finally {
    giveBack();
  }
};
