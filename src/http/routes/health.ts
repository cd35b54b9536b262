import { Hono } from 'hono';
import * as z from 'zod';
import { describeError } from '../../domain/errors.ts';
import { QUEUES } from '../../domain/routing.ts';
import { withTimeout } from '../../domain/timeout.ts';
import { REFUSE_PART } from '../../domain/database-limit.ts';
import { createCounts } from '../../store/counts.ts';
import { getAllServices, type Services } from '../../wiring/services.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { whole } from '../fields.ts';
import { docs } from '../middleware/docs.ts';
import { scope } from '../middleware/scope.ts';
import packageJson from '../../../package.json' with { type: 'json' };

const CHECK_TIMEOUT_MS = 2_000;

const state = z.enum(['ok', 'down']);
export const healthSchema = z
  .strictObject({
    status: z.enum(['ok', 'degraded', 'down']),
    checks: z.strictObject({ database: state, accepting: state, queues: state, cache: state }),
    open_notifications: whole.nullable().meta({
      description: 'Pending and not yet delivered; null when the database does not answer',
    }),
    oldest_waiting_seconds: z
      .number()
      .nullable()
      .meta({ description: 'Of all messages in queues; null when none waits' }),
    paused_queues: z
      .array(z.string())
      .meta({ description: 'Queues that are paused: what is submitted to them waits' }),
    database_bytes: whole
      .nullable()
      .meta({ description: 'How large the database is; of several the fullest' }),
    database_used: z.number().nullable().meta({
      description: 'Which part of its limit that is; beyond 0.95 submits are refused',
    }),
    version: z.string(),
  })
  .meta({ id: 'Health' });
type State = z.output<typeof state>;
type Health = z.output<typeof healthSchema>;

/**
 * A check that hangs is down. What went wrong is logged, and kept from the caller: the route is
 * public.
 */
const check = async (c: AppContext, name: string, work: () => Promise<unknown>): Promise<State> => {
  try {
    await withTimeout(CHECK_TIMEOUT_MS, work());
    return 'ok';
  } catch (error) {
    const fields = { check: name, error: describeError(error) };
    c.get('log').error('health_check_failed', fields);
    return 'down';
  }
};

/** Asks every part. */
const checkAll = async (c: AppContext): Promise<Health> => {
  const { cache, taskQueues, settings, now } = c.get('services');
  const shards = getAllServices(c.env);
  let found: Awaited<ReturnType<ReturnType<typeof createCounts>['readHealth']>>[] = [];
  let oldestAt: number | null = null;
  const [database, accepting, queues] = await Promise.all([
    check(c, 'database', async () => {
      found = await Promise.all(shards.map(({ useStore }) => useStore(createCounts).readHealth()));
    }),
    check(c, 'accepting', async () => {
      const all = await Promise.all(shards.map(({ dispatcher }) => dispatcher.isAccepting()));
      if (all.includes(false)) throw new Error('The last tasks could not be stored');
    }),
    check(c, 'queues', async () => {
      const all = await Promise.all(QUEUES.map((queue) => taskQueues.metrics(queue)));
      const isDown = all.some(({ backlog }) => backlog === Infinity);
      if (isDown) throw new Error('A queue does not answer');
      const since = all.flatMap((queue) => queue.oldestAt ?? []);
      if (since.length > 0) oldestAt = Math.min(...since);
    }),
  ]);
  // A cache that is down costs time, never an answer: it degrades, it does not fail.
  const checks = { database, accepting, queues, cache: cache.isUp() ? 'ok' : 'down' } as const;
  const isHealthy = [database, accepting, queues].every((each) => each === 'ok');
  // Of several databases the fullest one counts.
  const sizes = found.map(({ databaseBytes }) => databaseBytes);
  const bytes = sizes.length === 0 ? null : Math.max(...sizes);
  const usedPart = bytes === null ? null : bytes / settings.DATABASE_LIMIT_BYTES;
  const isFull = (usedPart ?? 0) >= REFUSE_PART;
  const whenUp = checks.cache === 'ok' && !isFull ? 'ok' : 'degraded';
  return {
    status: isHealthy ? whenUp : 'down',
    checks,
    open_notifications:
      found.length === 0 ? null : found.reduce((sum, each) => sum + each.openDeliveries, 0),
    oldest_waiting_seconds: oldestAt === null ? null : Math.max(0, now() - oldestAt) / 1_000,
    // They are read where they are written first.
    paused_queues: found[0]?.pausedQueues ?? [],
    database_bytes: bytes,
    database_used: usedPart === null ? null : Number(usedPart.toFixed(4)),
    version: packageJson.version,
  };
};

/** An answer is given again for this long: the route is public, and may be asked by everybody. */
const HOLD_MS = 5_000;
/** That it is down is told for less long: it may be up again. */
const HOLD_DOWN_MS = 1_000;
const LOOK_EVERY_MS = 20;

interface Held {
  health: Health | null;
  until: number;
}
const heldBy = new WeakMap<Services, Held>();

/**
 * The health as of a few seconds ago. One request checks; the others are told what was found last,
 * and only the very first ones wait for it, each by its own timer.
 */
const readHealth = async (c: AppContext): Promise<Health> => {
  const services = c.get('services');
  const { now, wait } = services;
  const held = heldBy.get(services) ?? { health: null, until: -Infinity };
  heldBy.set(services, held);
  if (now() >= held.until) {
    held.until = now() + HOLD_MS;
    held.health = await checkAll(c);
    if (held.health.status === 'down') held.until = now() + HOLD_DOWN_MS;
    return held.health;
  }
  while (held.health === null && now() < held.until) await wait(LOOK_EVERY_MS);
  return held.health ?? checkAll(c);
};

/** `/health`: which part is up. */
export const healthRoutes = new Hono<AppEnv>().get(
  '/health',
  docs({
    id: 'health',
    tag: 'Operations',
    summary: 'Which part is up',
    answers: {
      200: { description: 'Up, or degraded', body: healthSchema },
      503: { description: 'Down', body: healthSchema },
    },
    isStatic: true,
  }),
  scope('public'),
  async (c) => {
    const body = await readHealth(c);
    return c.json(body, body.status === 'down' ? 503 : 200);
  },
);
