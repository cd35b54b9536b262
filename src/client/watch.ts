import { isFinal } from '../domain/words.ts';
import { pause, TaskerError, type SendRequest } from './request.ts';
import type { Frame } from './frames.ts';

/** A stream that breaks is opened again after this, then after twice as long, and so on. */
const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 10_000;
/** The service says something every 15 s; a stream that is silent for longer is broken. */
const SILENCE_MS = 40_000;

class NotAStream extends Error {}

interface ServerEvent {
  id: string | null;
  data: string;
}

/**
 * The events of a text/event-stream
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html).
 */
const readEvents = async function* (
  body: ReadableStream<Uint8Array>,
  reset: () => void,
): AsyncGenerator<ServerEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      reset();
      const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const lines = block.split('\n');
        const field = (name: string): string[] =>
          lines
            .filter((line) => line.startsWith(`${name}: `))
            .map((line) => line.slice(name.length + 2));
        const data = field('data').join('\n');
        if (data !== '') yield { id: field('id')[0] ?? null, data };
      }
    }
  } finally {
    await reader.cancel().catch(() => {}); // It may be broken already.
  }
};

/** Aborts when nothing has been heard for too long, or when the caller does. */
const createSilenceGuard = (signal?: AbortSignal) => {
  const abort = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const reset = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => abort.abort(new Error('The stream fell silent')), SILENCE_MS);
  };
  const stop = (): void => abort.abort(signal?.reason);
  signal?.addEventListener('abort', stop, { once: true });
  reset();
  const end = (): void => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  };
  return { reset, end, signal: abort.signal };
};

const readVersion = (frame: Frame): number =>
  'version' in frame
    ? frame.version
    : 'flow' in frame
      ? frame.flow.version
      : 'task' in frame
        ? frame.task.version
        : 0;

/**
 * The frames of a live stream, for as long as the caller reads them. A broken stream is opened
 * again; of one task no frame is older than what has been seen, and the final one ends it.
 */
export const watch = async function* (
  send: SendRequest,
  path: string,
  { signal, retries }: { signal?: AbortSignal | undefined; retries: number },
): AsyncGenerator<Frame> {
  let version = 0;
  let pauseMs = FIRST_PAUSE_MS;
  let lastId: string | null = null;
  /**
   * Failures in a row before anything was heard: then it is the wrong address, or down for good.
   */
  let failures = 0;
  let hasBegun = false;
  for (;;) {
    signal?.throwIfAborted();
    const guard = createSilenceGuard(signal);
    try {
      const headers: Record<string, string> = {
        Accept: 'text/event-stream',
        ...(lastId !== null && { 'Last-Event-ID': lastId }),
      };
      const response: Response = await send(path, {
        headers,
        signal: guard.signal,
        isRepeatable: false,
      });
      // The final frame has been seen.
      if (response.status === 204 || !response.body) return;
      if (!response.headers.get('Content-Type')?.startsWith('text/event-stream'))
        throw new NotAStream('The service answered with something else than an event stream');
      for await (const { id, data } of readEvents(response.body, guard.reset)) {
        const frame = JSON.parse(data) as Frame;
        pauseMs = FIRST_PAUSE_MS;
        hasBegun = true;
        lastId = id ?? lastId;
        const isOld = 'task' in frame && version > 0 && readVersion(frame) <= version;
        version = Math.max(version, readVersion(frame));
        if (!isOld) yield frame;
        if ('task' in frame && isFinal(frame.task.status)) return;
        if ('flow' in frame && isFinal(frame.flow.status)) return;
      }
    } catch (error) {
      signal?.throwIfAborted();
      // Refused, and not for being busy: asking again would not help.
      if (
        error instanceof NotAStream ||
        (error instanceof TaskerError && error.status < 500 && error.status !== 429)
      )
        throw error;
      failures += 1;
      if (!hasBegun && failures > retries) throw error;
    } finally {
      guard.end();
    }
    await pause(pauseMs * (0.5 + Math.random() / 2), signal);
    pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
  }
};
