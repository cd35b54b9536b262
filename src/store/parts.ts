import { AppError } from '../domain/errors.ts';

/** R2 asks that all parts of an upload but the last have the same size, 5 MiB at least. */
export const PART_BYTES = 5 * 1_024 * 1_024;
/** Files up to this size need no buffer of a whole part. */
const SMALL_BYTES = 256 * 1_024;

/** Buffers of a part that an isolate has at once: it has 128 MB, and R2's client copies each. */
const MAX_BUFFERS = 6;
const LOOK_EVERY_MS = 20;
const MAX_WAIT_MS = 30_000;
/** A caller who goes away in the middle leaves its buffer behind; it is free again after this. */
const MAX_HELD_MS = 300_000;

export interface PartBuffersDeps {
  now(): number;
  wait(ms: number): Promise<void>;
}

/**
 * Buffers for the uploads of an isolate, so that many at once stay within its memory. An upload
 * waits by its own timer: it may not wait for what another request does.
 */
export const createPartBuffers = ({ now, wait }: PartBuffersDeps) => {
  const held = new Map<symbol, number>();
  const dropForgotten = (): void => {
    for (const [key, until] of held) if (until < now()) held.delete(key);
  };
  return {
    /** Resolves with how to give it back; throws `overloaded` when none is free for long. */
    async take(): Promise<() => void> {
      const until = now() + MAX_WAIT_MS;
      for (dropForgotten(); held.size >= MAX_BUFFERS; dropForgotten()) {
        if (now() > until)
          throw new AppError('overloaded', 'Too many large files are being written');
        await wait(LOOK_EVERY_MS);
      }
      const key = Symbol('buffer');
      held.set(key, now() + MAX_HELD_MS);
      return () => void held.delete(key);
    },
  };
};

export type PartBuffers = ReturnType<typeof createPartBuffers>;

/**
 * Chunks of any size as pieces of exactly `PART_BYTES`, the last one shorter; at least one. A piece
 * is valid until the next is asked for.
 */
export const splitParts = async function* (
  content: AsyncIterable<Uint8Array>,
  maxBytes: number,
  buffers: PartBuffers,
): AsyncGenerator<Uint8Array> {
  let part = new Uint8Array(SMALL_BYTES);
  let filled = 0;
  let bytes = 0;
  let giveBack = (): void => {};
  const grow = async (): Promise<void> => {
    giveBack = await buffers.take();
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
