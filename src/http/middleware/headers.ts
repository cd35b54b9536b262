import { cors } from 'hono/cors';
import { createMiddleware } from 'hono/factory';
import type { AppEnv } from '../context.ts';

/** An answer of the API is no page, and nothing within it may become one. */
const API_POLICY = "default-src 'none'; frame-ancestors 'none'";

/** Headers for browsers on every answer, unless a page sets its own. */
const HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
  'Content-Security-Policy': API_POLICY,
};
const HSTS = 'max-age=31536000; includeSubDomains';

/**
 * Set before the answer is made: afterwards each of them would copy the whole response, as Hono's
 * own `secureHeaders` does.
 */
export const securityHeaders = createMiddleware<AppEnv>(async (c, next) => {
  for (const [name, value] of Object.entries(HEADERS)) c.header(name, value);
  if (c.req.url.startsWith('https:')) c.header('Strict-Transport-Security', HSTS);
  await next();
});

const EXPOSED_HEADERS = [
  'X-Request-Id',
  'Location',
  'Retry-After',
  'X-Cache',
  'Idempotent-Replayed',
  'Preference-Applied',
  'ETag',
  'RateLimit',
  'RateLimit-Policy',
];

/**
 * Pages of other origins get an answer only if they are named, one by one; keys travel in a header,
 * never in a cookie.
 */
export const crossOrigin = createMiddleware<AppEnv>(async (c, next) => {
  const { CORS_ORIGINS: origins } = c.get('services').settings;
  if (origins.length === 0) return next();
  return cors({ origin: origins, exposeHeaders: EXPOSED_HEADERS, maxAge: 600 })(c, next);
});
