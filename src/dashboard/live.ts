import { effect, signal } from '@preact/signals';
import type { Frame } from '../domain/frames.ts';
import type { TaskSummary, TaskView } from '../domain/view.ts';
import { apiKey, identity, post, wantsKey } from './api.ts';

/** The stream of all tasks, and of one: pushed, never polled. */

export type Connection = 'connecting' | 'live' | 'lost' | 'paused';
export const connection = signal<Connection>('connecting');
/** Held by a person: what comes meanwhile is counted, and shown when it goes on. */
export const isPaused = signal(false);
export const missedCount = signal(0);

const RETRY_MS = [250, 1_000, 2_000, 5_000];

/** What a stream is of; unset: all tasks. */
type Subject = { task_id: string } | { flow_id: string } | undefined;

const socketTo = async (path: string, subject: Subject): Promise<WebSocket> => {
  const url = new URL(path, location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  // On a machine without keys there is nothing that a ticket could stand for.
  if (identity.value?.key_id === null) return new WebSocket(url, ['tasker.v1']);
  const { ticket } = await post<{ ticket: string }>('/events/ticket', subject ?? {});
  return new WebSocket(url, ['tasker.v1', `ticket.${ticket}`]);
};

interface Watcher {
  onFrame(frame: Frame): void;
  /** The task, or the flow, was deleted. */
  onDeleted?(): void;
  onState?(state: 'connecting' | 'live' | 'lost'): void;
}

/** Keeps a stream open until the caller stops it or the service ends it. */
const watch = (
  path: string,
  subject: Subject,
  { onFrame, onDeleted, onState }: Watcher,
): (() => void) => {
  let socket: WebSocket | null = null;
  let isStopped = false;
  let failures = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const again = (): void => {
    if (isStopped) return;
    onState?.('lost');
    timer = setTimeout(() => void open(), RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]);
    failures += 1;
  };

  const open = async (): Promise<void> => {
    onState?.('connecting');
    try {
      socket = await socketTo(path, subject);
    } catch {
      return wantsKey.value === null ? again() : undefined;
    }
    if (isStopped) return socket.close();
    socket.addEventListener('message', ({ data }) => {
      failures = 0;
      const frame = JSON.parse(String(data)) as Frame;
      if (frame.event === 'snapshot') onState?.('live');
      if (frame.event === 'updates') socket?.send(JSON.stringify({ ack: frame.seq }));
      onFrame(frame);
    });
    socket.addEventListener('close', ({ code }) => {
      // 1000: it is final; 4404: it was deleted.
      if (code === 4404) onDeleted?.();
      if (code === 4404 || (code === 1000 && subject !== undefined)) isStopped = true;
      again();
    });
  };

  void open();
  return () => {
    isStopped = true;
    clearTimeout(timer);
    socket?.close();
  };
};

/** Follows one task until it is final, or deleted. */
export const watchTask = (
  id: string,
  onFrame: (frame: Frame) => void,
  onDeleted = (): void => {},
): (() => void) => watch(`/tasks/${id}/events`, { task_id: id }, { onFrame, onDeleted });

/** Follows one flow until it is final, or deleted. */
export const watchFlow = (
  id: string,
  onFrame: (frame: Frame) => void,
  onDeleted = (): void => {},
): (() => void) => watch(`/flows/${id}/events`, { flow_id: id }, { onFrame, onDeleted });

export type TaskUpdate = TaskSummary | TaskView;
/** How far running tasks have come, as their streams told last. */
export const progressOf = signal<ReadonlyMap<string, number>>(new Map());
/** Of more the oldest are forgotten. */
const MAX_PROGRESS = 500;
const keepProgress = (id: string, fraction: number): void => {
  const kept = new Map(progressOf.value);
  kept.delete(id);
  kept.set(id, fraction);
  for (const oldest of kept.keys()) {
    if (kept.size <= MAX_PROGRESS) break;
    kept.delete(oldest);
  }
  progressOf.value = kept;
};

const listeners = new Set<(tasks: readonly TaskUpdate[]) => void>();
let held: TaskUpdate[] = [];
/** Most changes that are kept while a person holds the updates: beyond it, lists are read anew. */
const MAX_HELD = 5_000;

/** Tells of every change of any task; the first call brings the newest tasks as they are. */
export const onTaskUpdates = (listener: (tasks: readonly TaskUpdate[]) => void): (() => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

const tell = (tasks: readonly TaskUpdate[]): void =>
  listeners.forEach((listener) => listener(tasks));

const receive = (tasks: readonly TaskUpdate[]): void => {
  if (!isPaused.value) return tell(tasks);
  held.push(...tasks);
  if (held.length > MAX_HELD) held = held.slice(-MAX_HELD);
  missedCount.value += tasks.length;
};

export const togglePause = (): void => {
  isPaused.value = !isPaused.value;
  if (isPaused.value) return;
  const tasks = held;
  held = [];
  missedCount.value = 0;
  tell(tasks);
};

/** Starts the stream of all tasks, and starts it anew whenever the key changes. */
export const startLive = (): void => {
  let stop = (): void => {};
  effect(() => {
    // Read here, so that another identity opens another stream.
    const [who, wanted] = [identity.value, wantsKey.value, apiKey.value];
    const isShut = wanted !== null || who === null;
    stop();
    if (isShut) return;
    stop = watch('/events', undefined, {
      onFrame: (frame) => {
        if (frame.event === 'snapshot' && 'tasks' in frame) receive(frame.tasks);
        if (frame.event === 'updates') receive(frame.tasks);
        if (frame.event === 'progress' && !isPaused.value)
          keepProgress(frame.task_id, frame.fraction);
      },
      onState: (state) => (connection.value = state),
    });
  });
};
