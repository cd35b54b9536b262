import { createMiddleware } from 'hono/factory';
import { requestId } from 'hono/request-id';
import { matchedRoutes } from 'hono/route';
import { v7 as uuidv7 } from 'uuid';
import { getServices } from '../../wiring/services.ts';
import type { AppEnv } from '../context.ts';

/** A caller's own id is kept when it is well-formed: it goes into log lines and headers. */
const REQUEST_ID = /^[\w.:-]{1,100}$/;

/**
 * Hono's own, but for the form of the ids that it keeps: `limitLength: 0` leaves that to the
 * generator.
 */
export const assignRequestId = requestId({
  limitLength: 0,
  generator: (c) => {
    const given = c.req.header('X-Request-Id');
    return given !== undefined && REQUEST_ID.test(given) ? given : uuidv7();
  },
});

/** Binds the services and a log that carries the request id; logs one line a request. */
export const bindServices = createMiddleware<AppEnv>(async (c, next) => {
  const services = getServices(c.env);
  c.set('services', services);
  c.set('log', services.log.with({ request_id: c.get('requestId') }));
  const startedAt = services.now();
  await next();
  const duration_ms = services.now() - startedAt;
  // The route, not the path: that may hold a file's name, or a key that was put there by mistake.
  const route = matchedRoutes(c).findLast(({ method }) => method !== 'ALL')?.path ?? 'none';
  services.metrics.flushSoon();
  const { method } = c.req;
  c.get('log').info('request', { method, route, status: c.res.status, duration_ms });
});
