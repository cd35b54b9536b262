import { AppError } from '../domain/errors.ts';
import type { Home } from '../domain/home.ts';
import { getServices, type Services } from '../wiring/services.ts';
import type { AppContext } from './context.ts';
import { orUnavailable } from './read-task.ts';

/** A move stops an owner's writes for some seconds. */
const RETRY_SECONDS = 5;

const findHome = (c: AppContext, owner: string): Promise<Home> =>
  orUnavailable(c, async () => c.get('services').homes.find(owner));

const refuseMoving = (): never => {
  throw new AppError('owner_moving', 'This owner is being moved to another database; try again', {
    retryAfterSeconds: RETRY_SECONDS,
  });
};

/** The services with which something of an owner is written; 503 while it is moved to another shard. */
export const findWritable = async (c: AppContext, owner: string): Promise<Services> => {
  const home = await findHome(c, owner);
  return home.isMoving ? refuseMoving() : getServices(c.env, home.shard);
};

/**
 * From here on the request has the services of the shard on which its caller lives; 503 for a write of the
 * caller's own while it is moved to another one.
 */
export const enterShard = async (c: AppContext, owner: string, isOwn = true): Promise<void> => {
  if (c.get('services').homes.count === 1) return;
  const home = await findHome(c, owner);
  const isRead = c.req.method === 'GET' || c.req.method === 'HEAD';
  if (home.isMoving && isOwn && !isRead) refuseMoving();
  c.set('services', getServices(c.env, home.shard));
};
