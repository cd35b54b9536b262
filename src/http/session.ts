import { getCookie } from 'hono/cookie';
import { sha256, toHex } from '../domain/hash.ts';
import type { AppContext } from './context.ts';

// Signing in, for pages of our own: one sign-in serves all tabs. The browser sends the cookie by
// itself, so each call that is to be served by it also brings a header that no other page can add,
// and comes from our own origin. Programs use keys.

/** Only scripts of our own origin can send it: any other page would have to ask first. */
const HEADER = 'X-Tasker-Session';

/** Cookies know no port, so two services on one machine would share them. */
const toCookieName = (url: URL): string => `tasker_session_${url.port === '' ? 'web' : url.port}`;

/** A new session's id, 256 random bits; what is kept of it is its hash. */
export const createSessionId = async (): Promise<{ id: string; hash: string }> => {
  const id = toHex(crypto.getRandomValues(new Uint8Array(32)));
  return { id, hash: await sha256(id) };
};

/** The header that sets the cookie; for no seconds, it takes it away. */
export const formatCookie = (c: AppContext, id: string, seconds: number): string => {
  const url = new URL(c.req.url);
  const parts = [
    `${toCookieName(url)}=${id}`,
    'HttpOnly',
    'SameSite=Strict',
    'Path=/',
    `Max-Age=${Math.floor(seconds)}`,
  ];
  if (url.protocol === 'https:') parts.push('Secure');
  return parts.join('; ');
};

/** Whether a page of ours makes this call: its origin says so, or where there is none, the browser. */
const isOwnPage = (c: AppContext): boolean => {
  const origin = c.req.header('Origin');
  if (origin !== undefined) return origin === new URL(c.req.url).origin;
  // Browsers leave it out of plain reads.
  const isRead = c.req.method === 'GET' || c.req.method === 'HEAD';
  return isRead && c.req.header('Sec-Fetch-Site') === 'same-origin';
};

/** The id of the session by which a page of ours calls; null when it does not call by one. */
export const readSessionId = (c: AppContext): string | null => {
  if (c.req.header(HEADER) === undefined || c.req.path.startsWith('/mcp')) return null;
  const id = getCookie(c, toCookieName(new URL(c.req.url)));
  return id !== undefined && /^[0-9a-f]{64}$/.test(id) && isOwnPage(c) ? id : null;
};
