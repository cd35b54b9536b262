import type { Frame } from '../domain/frames.ts';

/** What a socket keeps while the object hibernates. */
export type Subscriber = (
  | { stream: 'task'; id: string; version: number }
  | { stream: 'list'; seq: number; acknowledged: number }
) & {
  /** When the key expires that opened it, ms; null: never. */
  until: number | null;
};

/** Not to a socket that is closing: it is listed until its client has answered, and sending to it throws. */
export const send = (socket: WebSocket, frame: Frame): void => {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
};

export const subscriberOf = (socket: WebSocket): Subscriber | null =>
  socket.deserializeAttachment() as Subscriber | null;

/** The number in `{ "ack": n }`; null for anything else, which is not worth an answer. */
export const acknowledgementIn = (message: string | ArrayBuffer): number | null => {
  if (typeof message !== 'string' || message.length > 100) return null;
  try {
    const { ack } = JSON.parse(message) as { ack?: unknown };
    return Number.isSafeInteger(ack) ? (ack as number) : null;
  } catch {
    return null;
  }
};
