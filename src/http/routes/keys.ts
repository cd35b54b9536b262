import { Hono } from 'hono';
import * as z from 'zod';
import { OWNER, parseScopes, SCOPES, type ApiKey } from '../../domain/api-key.ts';
import { AppError } from '../../domain/errors.ts';
import { refuseFields } from '../../domain/field-errors.ts';
import { makeKey } from '../../domain/make-key.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { time, timeOrNull, toIso, toIsoOrNull, whole } from '../fields.ts';
import { docs } from '../middleware/docs.ts';
import { answerHead } from '../middleware/head.ts';
import { limit } from '../middleware/limit.ts';
import { scope } from '../middleware/scope.ts';
import { json } from '../middleware/validate.ts';
import { orUnavailable } from '../read-task.ts';

const DAY_MS = 24 * 3_600_000;
const MAX_LISTED = 1_000;

const keySchema = z
  .strictObject({
    id: z.uuid(),
    owner: z.string(),
    name: z.string(),
    prefix: z.string().meta({ description: 'Its first characters' }),
    scopes: z.array(z.enum(SCOPES)),
    created_at: time,
    expires_at: timeOrNull,
    revoked_at: timeOrNull,
  })
  .meta({ id: 'ApiKey' });
export const keyListSchema = z.strictObject({ keys: z.array(keySchema) });
export const madeKeySchema = z.strictObject({
  key: z.string().meta({ description: 'Shown this once' }),
  ...keySchema.shape,
});

/** A new key, or one in the place of another. */
const newKey = z
  .strictObject({
    owner: z.string().regex(OWNER, 'Letters, digits and . _ @ : -, 1 to 100 of them').optional(),
    name: z.string().min(1).max(100).optional(),
    scopes: z.array(z.enum(SCOPES)).min(1).max(SCOPES.length).optional(),
    expires_in_days: z.number().gt(0).max(3_650).optional(),
    replaces: z
      .uuid()
      .optional()
      .meta({ description: 'The id of a key that this one takes the place of' }),
    grace_seconds: whole
      .max(2_592_000)
      .default(86_400)
      .meta({ description: 'How long the replaced key goes on' }),
  })
  .superRefine(({ owner, name, scopes, replaces }, context) => {
    const refuse = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (replaces !== undefined && owner !== undefined)
      refuse('owner', 'A key that replaces another one has its owner');
    if (replaces !== undefined) return;
    if (owner === undefined) refuse('owner', 'Say for whom the key speaks');
    if (name === undefined) refuse('name', 'Give it a name to tell it by');
    if (scopes === undefined) refuse('scopes', `Say what it may do: ${SCOPES.join(', ')}`);
  });

const toKeyView = ({ id, owner, name, prefix, created_at, ...key }: ApiKey) => ({
  id,
  owner,
  name,
  prefix,
  scopes: parseScopes(key),
  created_at: toIso(created_at),
  expires_at: toIsoOrNull(key.expires_at),
  revoked_at: toIsoOrNull(key.revoked_at),
});

/**
 * Lets the key that a new one replaces go on for a while, so that no client is locked out; returns
 * it as it was.
 */
const expireReplaced = async (c: AppContext, id: string, graceMs: number): Promise<ApiKey> => {
  const { keys, now } = c.get('services');
  const before = await orUnavailable(c, () => keys.get(id));
  const isExpiring =
    before && (await orUnavailable(c, () => keys.expire(id, now() + graceMs, now())));
  if (before && isExpiring) return before;
  const message = 'There is no such key, or it was revoked or has expired';
  return refuseFields([{ in: 'body', path: 'replaces', code: 'key_not_found', message }]);
};

/** `/keys`: API keys, for admins. */
export const keyRoutes = new Hono<AppEnv>()
  .post(
    '/',
    docs({
      id: 'createKey',
      tag: 'Operations',
      summary: 'Make an API key; it is shown this once',
      description: '`replaces` makes a key like another one, which ends after `grace_seconds`.',
      answers: { 201: { description: 'The key', body: madeKeySchema } },
      examples: {
        reader: {
          owner: 'team-a',
          name: 'reports',
          scopes: ['tasks:read'],
          expires_in_days: 90,
        },
      },
    }),
    scope('admin'),
    limit('writes'),
    json(newKey),
    async (c) => {
      const { expires_in_days: days, replaces, grace_seconds, ...given } = c.req.valid('json');
      const { keys, apiKeyCache, now } = c.get('services');
      const old =
        replaces === undefined ? null : await expireReplaced(c, replaces, grace_seconds * 1_000);
      const expiresAt =
        days === undefined ? (old?.expires_at ?? null) : now() + Math.round(days * DAY_MS);
      const fields = {
        owner: old?.owner ?? given.owner ?? '',
        name: given.name ?? old?.name ?? '',
        scopes: given.scopes ?? (old ? parseScopes(old) : []),
        expiresAt,
      };
      const { key, row } = await makeKey(fields, now());
      await orUnavailable(c, () => keys.insert(row));
      apiKeyCache.invalidate();
      c.get('log').info('key_created', { key_id: row.id, owner: row.owner });
      return c.json({ key, ...toKeyView(row) }, 201);
    },
  )

  .get(
    '/',
    docs({
      id: 'listKeys',
      tag: 'Operations',
      summary: 'List the newest 1000 API keys',
      answers: {
        200: { description: 'The keys, without the keys themselves', body: keyListSchema },
      },
    }),
    scope('admin'),
    answerHead(),
    async (c) => {
      const all = await orUnavailable(c, () => c.get('services').keys.list(MAX_LISTED));
      return c.json({ keys: all.map(toKeyView) });
    },
  )

  .delete(
    '/:id',
    docs({
      id: 'revokeKey',
      tag: 'Operations',
      summary: 'Revoke an API key',
      description: 'Its streams end at once, its requests are refused within 10 s.',
      params: { id: { description: 'The id of an API key', format: 'uuid' } },
      answers: { 204: { description: 'It is revoked', body: null } },
      errors: ['key_not_found'],
    }),
    scope('admin'),
    limit('writes'),
    async (c) => {
      const id = c.req.param('id');
      const { keys, apiKeyCache, boards, now } = c.get('services');
      const revoked = await orUnavailable(c, () => keys.revoke(id, now()));
      if (!revoked) {
        const message = `There is no API key "${id.slice(0, 100)}"`;
        throw new AppError('key_not_found', message);
      }
      apiKeyCache.invalidate();
      await boards.closeStreamsOfKey(revoked.owner, id);
      c.get('log').info('key_revoked', { key_id: id, owner: revoked.owner });
      return c.body(null, 204);
    },
  );
