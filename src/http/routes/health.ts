import { Hono } from 'hono';
import { describeError } from '../../domain/errors.ts';
import { QUEUES } from '../../domain/routing.ts';
import { withTimeout } from '../../domain/timeout.ts';
import type { Logger } from '../../log.ts';
import type { AppEnv } from '../context.ts';
import { describe } from '../openapi/operation.ts';
import { health as healthSchema } from '../responses.ts';
import packageJson from '../../../package.json' with { type: 'json' };

const CHECK_TIMEOUT_MS = 2_000;

/** `ok` or `down`; a check that hangs is down. What went wrong is logged, not told: anybody may ask. */
const check = async (
  name: string,
  log: Logger,
  work: () => Promise<unknown>,
): Promise<'ok' | 'down'> => {
  try {
    await withTimeout(CHECK_TIMEOUT_MS, work());
    return 'ok';
  } catch (error) {
    log.error('health_check_failed', { check: name, error: describeError(error) });
    return 'down';
  }
};

export const health = new Hono<AppEnv>().get(
  '/health',
  describe({
    id: 'health',
    access: 'open',
    tag: 'Around it',
    summary: 'Which part is up',
    answers: {
      200: { description: 'Up, or degraded', body: healthSchema },
      503: { description: 'Down', body: healthSchema },
    },
    isStatic: true,
  }),
  async (c) => {
    const { store, cache, counts, taskQueues, dispatcher, now } = c.get('services');
    let openNotifications: number | null = null;
    let oldestAt: number | null = null;
    const [database, accepting, queues] = await Promise.all([
      check('database', c.get('log'), async () => {
        await store.ping();
        openNotifications = await counts.openNotifications();
      }),
      check('accepting', c.get('log'), async () => {
        if (!(await dispatcher.isAccepting()))
          throw new Error('The last tasks could not be stored');
      }),
      check('queues', c.get('log'), async () => {
        const all = await Promise.all(QUEUES.map((queue) => taskQueues.metrics(queue)));
        if (all.some(({ backlog }) => backlog === Infinity))
          throw new Error('A queue does not answer');
        const since = all.flatMap((queue) => queue.oldestAt ?? []);
        if (since.length > 0) oldestAt = Math.min(...since);
      }),
    ]);
    // A cache that is down costs time, never an answer: it degrades, it does not fail.
    const checks = { database, accepting, queues, cache: cache.isUp() ? 'ok' : 'down' };
    const isHealthy = [database, accepting, queues].every((state) => state === 'ok');
    const status = !isHealthy ? 'down' : checks.cache === 'ok' ? 'ok' : 'degraded';
    const oldest_waiting_seconds = oldestAt === null ? null : Math.max(0, now() - oldestAt) / 1_000;
    const body = {
      status,
      checks,
      open_notifications: openNotifications,
      oldest_waiting_seconds,
      version: packageJson.version,
    };
    return c.json(body, isHealthy ? 200 : 503);
  },
);
