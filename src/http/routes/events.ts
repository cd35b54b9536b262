import { Hono } from 'hono';
import { AppError } from '../../domain/errors.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { reading, taskId, taskNotFound } from '../read-task.ts';

/** Every task of the owner, rather than one. */
const WHOLE_LIST = '*';

/** Hands the upgrade over to the board, which sends the snapshot first. */
const stream = async (c: AppContext, name: string): Promise<Response> => {
  if (c.req.header('Upgrade')?.toLowerCase() !== 'websocket') {
    throw new AppError('upgrade_required', 'This is a live stream: ask for a WebSocket', { headers: { Upgrade: 'websocket' } });
  }
  const response = await reading(c, () => c.var.services.openStream(c.var.owner, name, c.req.raw));
  if (response.status === 404) throw taskNotFound(name);
  return response;
};

export const events = new Hono<AppEnv>()
  .get('/events', (c) => stream(c, WHOLE_LIST))
  .get('/tasks/:id/events', (c) => stream(c, taskId(c)));
