import { Hono } from 'hono';
import * as z from 'zod';
import { AppError } from '../../domain/errors.ts';
import { sha256 } from '../../domain/hash.ts';
import { SCOPES } from '../../domain/api-key.ts';
import { createSessionStore } from '../../store/sessions.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { timeOrNull, toIsoOrNull } from '../fields.ts';
import { docs } from '../middleware/docs.ts';
import { limit } from '../middleware/limit.ts';
import { scope } from '../middleware/scope.ts';
import { json, noQuery } from '../middleware/validate.ts';
import { orUnavailable } from '../read-task.ts';
import { createSessionId, formatCookie, readSessionId } from '../session.ts';

const sessionSchema = z
  .strictObject({
    owner: z.string(),
    scopes: z.array(z.enum(SCOPES)),
    key_id: z.uuid().nullable().meta({ description: 'Null where no key is needed' }),
    key_name: z.string().nullable(),
    expires_at: timeOrNull,
  })
  .meta({ id: 'Session' });

/** How long it lasts at most; it ends with its key. */
const newSession = z.strictObject({ hours: z.number().min(0.1).max(12).default(12) });

const toSessionView = (c: AppContext, expiresAt: number | null) => {
  const { owner, scopes, keyId, keyName } = c.get('identity');
  return {
    owner,
    scopes,
    key_id: keyId,
    key_name: keyName,
    expires_at: toIsoOrNull(expiresAt),
  };
};

const refuseSession = (): never => {
  const message = 'Sign in by a key: send it as "Authorization: Bearer tk_…"';
  throw new AppError('key_missing', message);
};

/** `/session`: who the caller is, and signing in, for pages of our own. */
export const sessionRoutes = new Hono<AppEnv>()
  .get(
    '/',
    docs({
      id: 'getSession',
      tag: 'Operations',
      summary: 'Who the caller is, and what it may do',
      answers: { 200: { description: 'The identity of this call', body: sessionSchema } },
    }),
    scope('tasks:read'),
    noQuery(),
    (c) => c.json(toSessionView(c, c.get('identity').expiresAt)),
  )

  .post(
    '/',
    docs({
      id: 'signIn',
      tag: 'Operations',
      summary: 'Sign in with a key, for pages of our own',
      description:
        'Sets a cookie, for 12 hours or until the key ends. A call is served by it if it also ' +
        'brings `X-Tasker-Session` and comes from our own origin. Programs send their key instead.',
      answers: {
        201: {
          description: 'Signed in',
          body: sessionSchema,
          headers: { 'Set-Cookie': 'HttpOnly, SameSite=Strict' },
        },
      },
      examples: { 'for a working day': { hours: 8 } },
    }),
    scope('tasks:read'),
    limit('writes'),
    json(newSession),
    async (c) => {
      const { keyId, expiresAt } = c.get('identity');
      if (keyId === null || c.req.header('Authorization') === undefined) return refuseSession();
      const { useFirst, now } = c.get('services');
      const at = now();
      const end = Math.min(expiresAt ?? Infinity, at + c.req.valid('json').hours * 3_600_000);
      const { id, hash } = await createSessionId();
      const session = { hash, keyId, createdAt: at, expiresAt: end };
      await orUnavailable(c, () => useFirst(createSessionStore).insert(session));
      c.header('Set-Cookie', formatCookie(c, id, (end - at) / 1_000));
      return c.json(toSessionView(c, end), 201);
    },
  )

  .delete(
    '/',
    docs({
      id: 'signOut',
      tag: 'Operations',
      summary: 'Sign out',
      answers: { 204: { description: 'Signed out', body: null } },
    }),
    scope('tasks:read'),
    limit('writes'),
    async (c) => {
      const { useFirst, apiKeyCache } = c.get('services');
      const id = readSessionId(c);
      if (id !== null) {
        const hash = await sha256(id);
        await orUnavailable(c, () => useFirst(createSessionStore).end(hash));
      }
      apiKeyCache.invalidate();
      c.header('Set-Cookie', formatCookie(c, '', 0));
      return c.body(null, 204);
    },
  );
