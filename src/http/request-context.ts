import { createMiddleware } from 'hono/factory';
import { matchedRoutes } from 'hono/route';
import { v7 as uuidv7 } from 'uuid';
import { servicesOf } from '../wiring/services.ts';
import type { AppEnv } from './context.ts';

/** A caller's own id is kept when it is one: it goes into log lines and headers. */
const SANE_ID = /^[\w.:-]{1,100}$/;

/** Binds the services, the request id and a log that carries it; one line a request. */
export const requestContext = createMiddleware<AppEnv>(async (c, next) => {
  const given = c.req.header('X-Request-Id');
  const requestId = given !== undefined && SANE_ID.test(given) ? given : uuidv7();
  c.set('requestId', requestId);
  c.header('X-Request-Id', requestId);
  const services = servicesOf(c.env);
  c.set('services', services);
  c.set('log', services.log.with({ request_id: requestId }));
  const startedAt = services.now();
  await next();
  const duration_ms = services.now() - startedAt;
  // The route, not the path: that may hold a file's name, or a key that somebody put there by mistake.
  const route = matchedRoutes(c).findLast(({ method }) => method !== 'ALL')?.path ?? 'none';
  services.flushCountsSoon();
  c.get('log').info('request', { method: c.req.method, route, status: c.res.status, duration_ms });
});
