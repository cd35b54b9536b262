import { AppError } from '../domain/errors.ts';
import { getServices } from '../wiring/services.ts';
import type { AppContext } from './context.ts';
import { orUnavailable } from './read-task.ts';

/** A move stops an owner's writes for some seconds. */
const RETRY_SECONDS = 5;

/**
 * From here on the request has the services of the shard on which this owner lives; 503 for a write
 * while it is moved to another one.
 */
export const enterShard = async (c: AppContext, owner: string): Promise<void> => {
  const { homes } = c.get('services');
  if (homes.count === 1) return;
  const home = await orUnavailable(c, async () => homes.find(owner));
  if (home.isMoving && c.req.method !== 'GET' && c.req.method !== 'HEAD')
    throw new AppError('owner_moving', 'This owner is being moved to another database; try again', {
      retryAfterSeconds: RETRY_SECONDS,
    });
  c.set('services', getServices(c.env, home.shard));
};
