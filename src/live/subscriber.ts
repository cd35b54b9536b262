import type { Frame, Progress } from '../domain/frames.ts';
import type { TaskSummary, TaskView } from '../domain/view.ts';
import { isFinal } from '../domain/words.ts';
import { REVOKED } from '../domain/close-codes.ts';

/** The state that a socket keeps while the object hibernates. */
export type Subscriber = (
  | { stream: 'task'; id: string; version: number }
  | { stream: 'flow'; id: string; version: number }
  | { stream: 'list'; seq: number; acknowledged: number }
  | { stream: 'work'; worker: string; types: string[] }
) & {
  /** When the key expires that opened it, ms; null: never. */
  until: number | null;
};

/**
 * A list subscriber may leave this many frames unacknowledged: `send()` never blocks, so silence is
 * the only sign.
 */
const MAX_UNACKNOWLEDGED = 32;

export const readSubscriber = (socket: WebSocket): Subscriber | null =>
  socket.deserializeAttachment() as Subscriber | null;

export const keepSubscriber = (socket: WebSocket, subscriber: Subscriber): void =>
  socket.serializeAttachment(subscriber);

/**
 * Not to a socket that is closing: it is listed until its client has answered, and sending to it
 * throws.
 */
export const send = (socket: WebSocket, frame: Frame): void => {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
};

/**
 * Sends a task to a socket that watches it, unless it has that version or a newer one: a version
 * never goes back.
 */
export const sendTask = (socket: WebSocket, task: TaskView): void => {
  const subscriber = readSubscriber(socket);
  if (subscriber?.stream !== 'task' || task.version <= subscriber.version) return;
  keepSubscriber(socket, { ...subscriber, version: task.version });
  send(socket, { event: 'update', task });
  if (isFinal(task.status)) socket.close(1000, 'final');
};

/** Sends progress to a socket that watches the task, unless it has seen a newer version. */
export const sendProgress = (socket: WebSocket, step: Progress): void => {
  const subscriber = readSubscriber(socket);
  if (subscriber?.stream === 'task' && step.version >= subscriber.version)
    send(socket, { event: 'progress', ...step });
};

/** Tasks whose progress a list is told at once. */
const MAX_LIST_STEPS = 100;

/** Sends progress to a socket that watches the list, unless it cannot keep up. */
export const sendListProgress = (socket: WebSocket, steps: readonly Progress[]): void => {
  const subscriber = readSubscriber(socket);
  if (subscriber?.stream !== 'list') return;
  if (subscriber.seq - subscriber.acknowledged >= MAX_UNACKNOWLEDGED) return;
  for (const step of steps.slice(0, MAX_LIST_STEPS)) send(socket, { event: 'progress', ...step });
};

/** Sends changes of the list; closes the socket of a client that does not acknowledge. */
export const sendChanges = (socket: WebSocket, tasks: TaskSummary[]): void => {
  const subscriber = readSubscriber(socket);
  if (subscriber?.stream !== 'list') return;
  if (subscriber.seq - subscriber.acknowledged >= MAX_UNACKNOWLEDGED)
    return socket.close(1013, 'not acknowledging');
  const seq = subscriber.seq + 1;
  keepSubscriber(socket, { ...subscriber, seq });
  send(socket, { event: 'updates', seq, tasks });
};

/** The number in `{ "ack": n }`; null for anything else, which is not worth an answer. */
const parseAcknowledgement = (message: string | ArrayBuffer): number | null => {
  if (typeof message !== 'string' || message.length > 100) return null;
  try {
    const { ack } = JSON.parse(message) as { ack?: unknown };
    return Number.isSafeInteger(ack) ? (ack as number) : null;
  } catch {
    return null;
  }
};

/** Takes a client's acknowledgement of list frames. */
export const acknowledge = (socket: WebSocket, message: string | ArrayBuffer): void => {
  const subscriber = readSubscriber(socket);
  const acknowledged = parseAcknowledgement(message);
  if (subscriber?.stream !== 'list' || acknowledged === null) return;
  keepSubscriber(socket, { ...subscriber, acknowledged: Math.min(acknowledged, subscriber.seq) });
};

/** Closes those of the sockets whose key has expired by `now`. */
export const closeExpired = (sockets: readonly WebSocket[], now: number): void => {
  for (const socket of sockets) {
    const until = readSubscriber(socket)?.until ?? null;
    if (until !== null && until <= now) socket.close(REVOKED, 'key expired');
  }
};

/** The flows that these sockets watch. */
export const listWatchedFlows = (sockets: readonly WebSocket[]): string[] =>
  sockets.map(readSubscriber).flatMap((each) => (each?.stream === 'flow' ? [each.id] : []));

/** Tasks that are read again at a time. */
const MAX_REREAD_TASKS = 100;

/** The tasks that these sockets watch, as many as are read again at a time. */
export const listWatchedTasks = (sockets: readonly WebSocket[]): string[] => {
  const watched = sockets
    .map(readSubscriber)
    .flatMap((each) => (each?.stream === 'task' ? [each.id] : []));
  return [...new Set(watched)].slice(0, MAX_REREAD_TASKS);
};
