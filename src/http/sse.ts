import type { Frame } from '../domain/frames.ts';

/** Proxies and browsers give up a connection on which nothing comes. */
const KEEP_ALIVE_MS = 15_000;

/** `id:` of a frame: the version of its task, or the number of the list's update. */
const findId = (frame: Frame): number | undefined => {
  if ('seq' in frame) return frame.seq;
  if ('version' in frame) return frame.version;
  if ('flow' in frame) return frame.flow.version;
  return 'task' in frame ? frame.task.version : undefined;
};

/** A frame as an event (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
export const formatEvent = (frame: Frame): string => {
  const id = findId(frame);
  const idLine = id === undefined ? '' : `id: ${id}\n`;
  return `${idLine}event: ${frame.event}\ndata: ${JSON.stringify(frame)}\n\n`;
};

/**
 * Passes a socket's frames on as Server-Sent Events. Acknowledges the list's updates once they are
 * written, so that the board gives up a reader that does not read.
 */
export const streamEvents = (socket: WebSocket): ReadableStream<Uint8Array> => {
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
    write(formatEvent(frame)).then(() => {
      if (frame.event === 'updates') socket.send(JSON.stringify({ ack: frame.seq }));
    }, end);
  });
  socket.addEventListener('close', end);
  // Frames wait until it is accepted, so before that nothing is lost.
  socket.accept();
  return readable;
};
