import type { Frame } from '../domain/frames.ts';

/** Proxies and browsers give up a connection on which nothing comes. */
const KEEP_ALIVE_MS = 15_000;

/** `id:` of a frame: the version of its task, or the number of the list's update. */
const idOf = (frame: Frame): number | undefined =>
  'seq' in frame
    ? frame.seq
    : 'version' in frame
      ? frame.version
      : 'task' in frame
        ? frame.task.version
        : undefined;

const textOf = (frame: Frame): string => {
  const id = idOf(frame);
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${frame.event}\ndata: ${JSON.stringify(frame)}\n\n`;
};

/** A frame as an event stream of its own, which ends at once. */
export const oneEvent = (frame: Frame): string => textOf(frame);

/**
 * Passes a socket's frames on as Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html).
 * Acknowledges the list's updates once they are written, so that a reader that does not read is given up by the board.
 */
export const eventStream = (socket: WebSocket): ReadableStream<Uint8Array> => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const encoder = new TextEncoder();
  const write = (text: string): Promise<void> => writer.write(encoder.encode(text));
  const timer = setInterval(() => void write(': keep-alive\n\n').catch(end), KEEP_ALIVE_MS);
  let isOver = false;
  function end(): void {
    if (isOver) return;
    isOver = true;
    clearInterval(timer);
    writer.close().catch(() => {}); // The reader went first.
    socket.close(1000);
  }
  socket.addEventListener('message', ({ data }) => {
    const frame = JSON.parse(String(data)) as Frame;
    write(textOf(frame)).then(() => {
      if (frame.event === 'updates') socket.send(JSON.stringify({ ack: frame.seq }));
    }, end);
  });
  socket.addEventListener('close', end);
  // Before anything is sent to it, nothing is lost: frames wait until it is accepted.
  socket.accept();
  return readable;
};
