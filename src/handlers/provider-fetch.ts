import { isEventStream } from '../domain/media-type.ts';

/** Most that is read of a provider's answer. */
const MAX_ANSWER_BYTES = 1_048_576;
/** Of one that comes in pieces, each with much around it. */
const MAX_STREAM_BYTES = 16_777_216;

/** Thrown when an answer is too long. */
export class AnswerTooLong extends Error {}

/**
 * Told of every request to a provider: its type of task, and the status or `toUnreachable`. For
 * metrics.
 */
export type CountRequest = (type: string, status: string, durationMs: number) => void;

export interface ProviderFetchDeps {
  fetch: typeof fetch;
  signal: AbortSignal;
  type: string;
  count: CountRequest;
}

/** Ends a body with an error once it exceeds its bound, in bytes. */
const limitBytes = (maxBytes: number): TransformStream<Uint8Array, Uint8Array> => {
  let bytes = 0;
  return new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes)
        controller.error(new AnswerTooLong(`The answer has more than ${maxBytes} bytes`));
      else controller.enqueue(chunk);
    },
  });
};

/**
 * The `fetch` that handlers get: it ends with the task, follows no redirect (a key must not travel
 * on) and reads a bounded answer.
 */
export const createProviderFetch =
  ({ fetch, signal, type, count }: ProviderFetchDeps): typeof fetch =>
  async (...[input, init]: Parameters<typeof globalThis.fetch>) => {
    const startedAt = Date.now();
    const signals = [signal, ...(init?.signal ? [init.signal] : [])];
    let status = 'unreachable';
    try {
      const response = await fetch(input, {
        ...init,
        redirect: 'manual',
        signal: AbortSignal.any(signals),
      });
      status = String(response.status);
      const maxBytes = isEventStream(response) ? MAX_STREAM_BYTES : MAX_ANSWER_BYTES;
      const body = response.body?.pipeThrough(limitBytes(maxBytes)) ?? null;
      return new Response(body, response);
    } finally {
      count(type, status, Date.now() - startedAt);
    }
  };
