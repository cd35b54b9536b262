import { Hono } from 'hono';
import { parseScopes, parseTaskTypes, type ApiKey } from '../../domain/api-key.ts';
import { AppError } from '../../domain/errors.ts';
import { refuseFields } from '../../domain/field-errors.ts';
import { makeKey } from '../../domain/make-key.ts';
import { createPlantedStore } from '../../store/planted.ts';
import type { AppContext, AppEnv } from '../context.ts';
import {
  assertMayGrant,
  isOperator,
  narrowKey,
  resolveTypes,
  type KeyBounds,
} from '../grant-key.ts';
import { docs } from '../middleware/docs.ts';
import { answerHead } from '../middleware/head.ts';
import { limit } from '../middleware/limit.ts';
import { scope } from '../middleware/scope.ts';
import { json, noQuery, query } from '../middleware/validate.ts';
import { orUnavailable } from '../read-task.ts';
import { recordAudit } from '../record-audit.ts';
import { expireKey, insertKey, revokeKey } from '../shard-keys.ts';
import { findServices } from '../../wiring/services.ts';
import {
  keyListSchema,
  keyRequest,
  madeKeySchema,
  plantedSchema,
  revokeQuery,
  toKeyView,
} from './key-schema.ts';

const DAY_MS = 24 * 3_600_000;
const MAX_LISTED = 1_000;

/**
 * The key, if the caller may see it: an admin sees those of its owner, but has no say over a key
 * that may more.
 */
const findKey = async (c: AppContext, id: string): Promise<ApiKey | null> => {
  const found = await orUnavailable(c, () => c.get('services').keys.get(id.toLowerCase()));
  if (!found || !(isOperator(c) || found.owner === c.get('owner'))) return null;
  if (!isOperator(c) && parseScopes(found).includes('operator'))
    throw new AppError('scope_missing', 'Only an operator rotates or revokes the key of one');
  return found;
};

/**
 * Lets the key that a new one replaces go on for a while, so that no client is locked out; returns
 * it as it was.
 */
const expireReplaced = async (c: AppContext, id: string, graceMs: number): Promise<ApiKey> => {
  const at = c.get('services').now();
  const before = await findKey(c, id);
  const isExpiring =
    before && (await orUnavailable(c, () => expireKey(c, before, at + graceMs, at)));
  if (before && isExpiring) return before;
  const message = 'There is no such key, or it was revoked or has expired';
  return refuseFields([{ in: 'body', path: 'replaces', code: 'key_not_found', message }]);
};

/** The same; 404 where the caller sees none. */
const requireKey = async (c: AppContext): Promise<ApiKey> => {
  const id = c.req.param('id') ?? '';
  const found = await findKey(c, id);
  if (found) return found;
  throw new AppError('key_not_found', `There is no API key "${id.slice(0, 100)}"`);
};

const KEY_ID = { id: { description: 'The id of an API key', format: 'uuid' } };

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
    json(keyRequest),
    async (c) => {
      const { expires_in_days: days, replaces, grace_seconds, ...given } = c.req.valid('json');
      const { apiKeyCache, boards, now } = c.get('services');
      const named = replaces === undefined ? null : await findKey(c, replaces);
      const owner = named?.owner ?? given.owner ?? c.get('owner');
      const scopes = given.scopes ?? (named ? parseScopes(named) : []);
      assertMayGrant(c, owner, scopes);
      const types = resolveTypes(c, given.task_types ?? null);
      const bounds = (like: ApiKey | null): KeyBounds =>
        narrowKey(c, {
          taskTypes: types ?? (like && parseTaskTypes(like)),
          writesPerMinute: given.writes_per_minute ?? like?.writes_per_minute ?? null,
          expiresAt:
            days === undefined ? (like?.expires_at ?? null) : now() + Math.round(days * DAY_MS),
        });
      // Refused before the old one is touched.
      bounds(named);
      const old =
        replaces === undefined ? null : await expireReplaced(c, replaces, grace_seconds * 1_000);
      const fields = {
        owner,
        name: given.name ?? old?.name ?? '',
        scopes: [...new Set(scopes)],
        ...bounds(old),
      };
      const { key, row } = await makeKey(fields, now());
      await orUnavailable(c, () => insertKey(c, row));
      apiKeyCache.invalidate();
      if (old && grace_seconds === 0) await boards.closeStreamsOfKey(old.owner, old.id);
      await recordAudit(c, old ? 'key.rotated' : 'key.created', owner, old?.id ?? row.id);
      return c.json({ key, ...toKeyView(row) }, 201);
    },
  )

  .get(
    '/',
    docs({
      id: 'listKeys',
      tag: 'Operations',
      summary: 'List the newest 1000 API keys: of the own owner, for an operator of all',
      answers: {
        200: { description: 'The keys, without the keys themselves', body: keyListSchema },
      },
    }),
    scope('admin'),
    noQuery(),
    answerHead(),
    async (c) => {
      const of = isOperator(c) ? null : c.get('owner');
      const all = await orUnavailable(c, () => c.get('services').keys.list(of, MAX_LISTED));
      return c.json({ keys: all.map(toKeyView) });
    },
  )

  .get(
    '/:id/planted',
    docs({
      id: 'listPlanted',
      tag: 'Operations',
      summary: 'What goes on by itself that an API key has written: schedules and types',
      params: KEY_ID,
      answers: { 200: { description: 'Their names', body: plantedSchema } },
      errors: ['key_not_found'],
    }),
    scope('admin'),
    noQuery(),
    answerHead(),
    async (c) => {
      const { owner, id } = await requireKey(c);
      const { now } = c.get('services');
      const { useStore } = await findServices(c.env, owner);
      const planted = useStore(createPlantedStore);
      return c.json(await orUnavailable(c, () => planted.list(owner, id, now())));
    },
  )

  .delete(
    '/:id',
    docs({
      id: 'revokeKey',
      tag: 'Operations',
      summary: 'Revoke an API key',
      description:
        'Its streams end at once, its requests are refused within 10 s. Its schedules are refused from ' +
        'then on, its types go on: `pause_planted=true` pauses both.',
      params: KEY_ID,
      answers: { 204: { description: 'It is revoked', body: null } },
      errors: ['key_not_found'],
    }),
    scope('admin'),
    limit('writes'),
    query(revokeQuery),
    async (c) => {
      const { apiKeyCache, boards, now } = c.get('services');
      const { owner, id } = await requireKey(c);
      const { useStore } = await findServices(c.env, owner);
      await orUnavailable(c, () => revokeKey(c, id, now()));
      apiKeyCache.invalidate();
      await boards.closeStreamsOfKey(owner, id);
      await recordAudit(c, 'key.revoked', owner, id);
      if (c.req.valid('query').pause_planted === 'true')
        await orUnavailable(c, () => useStore(createPlantedStore).pause(owner, id, now()));
      return c.body(null, 204);
    },
  );
