import { cors } from 'hono/cors';
import { createMiddleware } from 'hono/factory';
import type { AppEnv } from './context.ts';

/** An answer of the API is no page, and nothing within it may become one. */
const API_POLICY = "default-src 'none'; frame-ancestors 'none'";

/** What every answer says to browsers, unless a page has said something of its own. */
export const securityHeaders = createMiddleware<AppEnv>(async (c, next) => {
  await next();
  // A socket's answer takes no headers any more.
  if (c.res.status === 101) return;
  const set = (name: string, value: string): void => void (c.res.headers.has(name) || c.header(name, value));
  set('X-Content-Type-Options', 'nosniff');
  set('Referrer-Policy', 'no-referrer');
  set('Cache-Control', 'no-store');
  set('Content-Security-Policy', API_POLICY);
  if (new URL(c.req.url).protocol === 'https:') set('Strict-Transport-Security', 'max-age=31536000; includeSubDomains');
});

/** Pages of other origins get an answer only if they are named, one by one; keys travel in a header, never in a cookie. */
export const crossOrigin = createMiddleware<AppEnv>(async (c, next) => {
  const { CORS_ORIGINS: origins } = c.var.services.settings;
  if (origins.length === 0) return next();
  const exposed = ['X-Request-Id', 'Location', 'Retry-After', 'X-Cache', 'Idempotent-Replayed', 'Preference-Applied', 'ETag', 'RateLimit', 'RateLimit-Policy']; // prettier-ignore
  return cors({ origin: origins, exposeHeaders: exposed, maxAge: 600 })(c, next);
});
