import { isFinal } from '../../src/domain/words.ts';
import { exports } from 'cloudflare:workers';
import type { Frame } from '../../src/domain/frames.ts';
import { usualKey } from './keys.ts';
import type { TaskDetail, TaskView } from '../../src/domain/view.ts';

const BASE = 'http://localhost:8787';

/**
 * A request to the Worker, as a client makes it, with the usual key unless it brings its own; a
 * `json` body is sent as such.
 */
export const call = (
  path: string,
  { json, ...init }: RequestInit & { json?: unknown } = {},
): Promise<Response> => {
  const headers = new Headers(init.headers);
  if (!headers.has('Authorization')) headers.set('Authorization', `Bearer ${usualKey.key}`);
  if (json !== undefined && !headers.has('Content-Type'))
    headers.set('Content-Type', 'application/json');
  const body = json === undefined ? {} : { method: 'POST', body: JSON.stringify(json) };
  return exports.default.fetch(new Request(`${BASE}${path}`, { ...body, ...init, headers }));
};

/** The health once it is not that of a few seconds ago, and has this status. */
export const healthOf = async (status: number): Promise<unknown> => {
  for (let i = 0; ; i += 1) {
    const response = await call('/health');
    const body = await response.json();
    if (response.status === status || i === 70)
      return { http: response.status, ...(body as object) };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};

/** Submits a task and returns it; throws unless it was accepted. */
export const submit = async (
  type: string,
  params: unknown = {},
  more: object = {},
): Promise<TaskView> => {
  const response = await call('/tasks', { json: { type, params, ...more } });
  if (response.status !== 202) throw new Error(`${response.status}: ${await response.text()}`);
  return response.json();
};

/**
 * Opens a live stream; `frames` fills as they come, `next` waits for the first that fits (also
 * among those there).
 */
export const watch = async (path: string, headers: Record<string, string> = {}) => {
  const response = await call(path, { headers: { ...headers, Upgrade: 'websocket' } });
  const socket = response.webSocket;
  if (!socket) throw new Error(`No socket: ${response.status} ${await response.text()}`);
  const frames: Frame[] = [];
  const waiters = new Set<() => void>();
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.addEventListener('close', resolve),
  );
  socket.addEventListener('message', ({ data }) => {
    if (data !== 'pong') frames.push(JSON.parse(data as string) as Frame);
    for (const wake of waiters) wake();
  });
  socket.accept();
  const next = (fits: (frame: Frame) => boolean): Promise<Frame> =>
    new Promise((resolve) => {
      const look = () => {
        const found = frames.find(fits);
        if (!found) return;
        waiters.delete(look);
        resolve(found);
      };
      waiters.add(look);
      look();
    });
  return { socket, frames, next, closed };
};

/** Waits, on its live stream, for a task's end. */
export const finished = async (id: string): Promise<TaskDetail> => {
  const { next, socket } = await watch(`/tasks/${id}/events`);
  await next((frame) => 'task' in frame && isFinal(frame.task.status));
  socket.close();
  return (await call(`/tasks/${id}`)).json();
};
