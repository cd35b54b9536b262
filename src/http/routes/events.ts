import { Hono } from 'hono';
import { AppError } from '../../domain/errors.ts';
import type { TaskView } from '../../domain/view.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { asking, taskId, taskNotFound } from '../read-task.ts';

/** Every task of the owner, rather than one. */
const WHOLE_LIST = '*';
const SUBPROTOCOL = 'tasker.v1';

/**
 * The stream of a finished task: the snapshot and the close. It ends here and not in the board, which an open socket
 * of this kind would keep awake; a hibernating one the runtime ends only some 10 s after its close.
 */
const finishedStream = (task: TaskView): WebSocket => {
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  server.send(JSON.stringify({ event: 'snapshot', task }));
  server.close(1000, 'final');
  return client;
};

/** Hands the upgrade over to the board, which sends the snapshot first. */
const stream = async (c: AppContext, name: string): Promise<Response> => {
  if (c.req.header('Upgrade')?.toLowerCase() !== 'websocket') {
    throw new AppError('upgrade_required', 'This is a live stream: ask for a WebSocket', {
      headers: { Upgrade: 'websocket' },
    });
  }
  const response = await asking(c, () => c.var.services.openStream(c.var.owner, name, c.req.raw));
  if (response.status === 404) throw taskNotFound(name);
  const webSocket = response.webSocket ?? finishedStream(await response.json());
  // Browsers want the subprotocol that they asked for confirmed.
  const asked = c.req
    .header('Sec-WebSocket-Protocol')
    ?.split(',')
    .map((word) => word.trim());
  return new Response(null, {
    status: 101,
    webSocket,
    headers: asked?.includes(SUBPROTOCOL) ? { 'Sec-WebSocket-Protocol': SUBPROTOCOL } : {},
  });
};

export const events = new Hono<AppEnv>()
  .get('/events', (c) => stream(c, WHOLE_LIST))
  .get('/tasks/:id/events', (c) => stream(c, taskId(c)));
