import { Hono } from 'hono';
import { v7 as uuidv7 } from 'uuid';
import { hashApiKey, generateApiKey, type ApiKey, type Scope } from '../../domain/api-key.ts';
import { AppError } from '../../domain/errors.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { describe } from '../openapi/operation.ts';
import { asking } from '../read-task.ts';
import * as answers from '../responses.ts';
import { keyBody } from '../schemas.ts';
import { jsonBody, refuse } from '../validate.ts';

const DAY_MS = 24 * 3_600_000;
const LISTED = 1_000;

const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

const viewOf = ({
  id,
  owner,
  name,
  prefix,
  scopes,
  created_at,
  expires_at,
  revoked_at,
}: ApiKey) => ({
  id,
  owner,
  name,
  prefix,
  scopes: JSON.parse(scopes) as Scope[],
  created_at: new Date(created_at).toISOString(),
  expires_at: iso(expires_at),
  revoked_at: iso(revoked_at),
});

const keyNotFound = (id: string): AppError =>
  new AppError('key_not_found', `There is no API key "${id.slice(0, 100)}"`);

/** The key that a new one takes the place of, as it was: it goes on for a while, so that nobody is locked out meanwhile. */
const replaced = async (c: AppContext, id: string, graceSeconds: number): Promise<ApiKey> => {
  const { keys, now } = c.get('services');
  const before = await asking(c, () => keys.get(id));
  const ended =
    before && (await asking(c, () => keys.expire(id, now() + graceSeconds * 1_000, now())));
  const message = 'There is no such key, or it was revoked or has expired';
  return ended
    ? before
    : refuse([{ in: 'body', path: 'replaces', code: 'key_not_found', message }]);
};

/** API keys, for admins. */
export const keys = new Hono<AppEnv>()
  .post(
    '/',
    describe({
      id: 'createKey',
      tag: 'Around it',
      access: 'admin',
      summary: 'Make an API key; it is shown this once',
      description: '`replaces` makes a key like another one, which ends after `grace_seconds`.',
      answers: { 201: { description: 'The key', body: answers.newKey } },
      examples: {
        reader: { owner: 'team-a', name: 'reports', scopes: ['tasks:read'], expires_in_days: 90 },
      },
    }),
    jsonBody(keyBody),
    async (c) => {
      const { owner, name, scopes, expires_in_days, replaces, grace_seconds } = c.req.valid('json');
      const { keys: store, apiKeyCache, now } = c.get('services');
      const old = replaces === undefined ? null : await replaced(c, replaces, grace_seconds);
      const { key, prefix } = generateApiKey();
      const made: ApiKey = {
        id: uuidv7(),
        owner: old?.owner ?? owner ?? '',
        name: name ?? old?.name ?? '',
        hash: await hashApiKey(key),
        prefix,
        scopes: JSON.stringify(scopes ?? (JSON.parse(old?.scopes ?? '[]') as Scope[])),
        created_at: now(),
        expires_at:
          expires_in_days === undefined
            ? (old?.expires_at ?? null)
            : now() + Math.round(expires_in_days * DAY_MS),
        revoked_at: null,
      };
      await asking(c, () => store.insert(made));
      apiKeyCache.clear();
      c.get('log').info('key_created', { key_id: made.id, owner: made.owner });
      return c.json({ key, ...viewOf(made) }, 201);
    },
  )

  .get(
    '/',
    describe({
      id: 'listKeys',
      tag: 'Around it',
      access: 'admin',
      summary: 'List the newest 1000 API keys',
      answers: {
        200: { description: 'The keys, without the keys themselves', body: answers.keyList },
      },
    }),
    async (c) =>
      c.json({ keys: (await asking(c, () => c.get('services').keys.list(LISTED))).map(viewOf) }),
  )

  .delete(
    '/:id',
    describe({
      id: 'revokeKey',
      tag: 'Around it',
      access: 'admin',
      summary: 'Revoke an API key',
      description: 'Its streams end at once, its requests are refused within 10 s.',
      answers: { 204: { description: 'It is revoked', body: null } },
      errors: ['key_not_found'],
    }),
    async (c) => {
      const id = c.req.param('id') ?? '';
      const { keys: store, apiKeyCache, boards, now } = c.get('services');
      const revoked = await asking(c, () => store.revoke(id, now()));
      if (!revoked) throw keyNotFound(id);
      apiKeyCache.clear();
      await boards.closeStreamsOfKey(revoked.owner, id);
      c.get('log').info('key_revoked', { key_id: id, owner: revoked.owner });
      return c.body(null, 204);
    },
  );
