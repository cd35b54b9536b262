import { Hono } from 'hono';
import * as z from 'zod';
import { ERASED_OWNER, hasScope, isOwnerName } from '../../domain/api-key.ts';
import { AppError } from '../../domain/errors.ts';
import { createOwnerStore } from '../../store/owners.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { whole } from '../fields.ts';
import { docs } from '../middleware/docs.ts';
import { limit } from '../middleware/limit.ts';
import { scope } from '../middleware/scope.ts';
import { orUnavailable } from '../read-task.ts';
import { getAllServices } from '../../wiring/services.ts';
import { findWritable } from '../enter-shard.ts';
import { recordAudit } from '../record-audit.ts';

/** Keys whose streams are closed at once; those of others end by themselves within 15 s. */
const MAX_KEYS = 100;

const erasedSchema = z.strictObject({ owner: z.string(), tasks: whole, files: whole });

/** The owner of the path: an operator's choice, and the own one for an admin. */
const readOwner = (c: AppContext): string => {
  const owner = c.req.param('owner') ?? '';
  const isOwn = owner === c.get('owner');
  if (isOwn || (hasScope(c.get('identity').scopes, 'operator') && isOwnerName(owner))) return owner;
  throw new AppError('owner_not_found', `There is no owner "${owner.slice(0, 100)}" here`);
};

/** `/owners`: what there is of an owner, as a whole. */
export const ownerRoutes = new Hono<AppEnv>().delete(
  '/:owner',
  docs({
    id: 'eraseOwner',
    tag: 'Operations',
    summary: 'Erase an owner: tasks, files, figures, types, keys and audit log',
    description:
      'Its keys are revoked. What is lost is lost: `npm run owners -- export <owner>` keeps a copy. ' +
      'Repeat it if it fails in the middle.',
    params: { owner: { description: 'An owner; an admin may erase its own' } },
    answers: { 200: { description: 'What was erased', body: erasedSchema } },
    errors: ['owner_not_found', 'storage_unavailable'],
  }),
  scope('admin'),
  limit('writes'),
  async (c) => {
    const owner = readOwner(c);
    const services = await findWritable(c, owner);
    const { keys, apiKeyCache, boards, dispatcher } = services;
    const { files, bodies, archive, metrics, now } = services;
    const own = await orUnavailable(c, () => keys.list(owner, MAX_KEYS));
    // Keys have copies in all databases; the audit log is in the first one, erased last.
    const stores = getAllServices(c.env)
      .map(({ useStore }) => useStore(createOwnerStore))
      .toReversed();
    const keyId = c.get('identity').keyId;
    // First of all, so that nobody adds to what is erased.
    for (const each of stores) await orUnavailable(c, () => each.revokeKeys(owner, keyId, now()));
    apiKeyCache.invalidate();
    const tasks = await orUnavailable(c, () => dispatcher.purge(owner));
    const erased = await orUnavailable(c, () => files.removeAll(owner), 'storage_unavailable');
    await orUnavailable(c, () => bodies.removeAll(owner), 'storage_unavailable');
    await orUnavailable(c, () => archive.removeAll(owner), 'storage_unavailable');
    await orUnavailable(c, () => metrics.erase(owner));
    for (const each of stores) await orUnavailable(c, () => each.erase(owner, now()));
    await boards.forgetWorkers(owner);
    apiKeyCache.invalidate();
    await Promise.all(own.map(({ id }) => boards.closeStreamsOfKey(owner, id)));
    // In the log of who did it; an owner that erased itself has none any more.
    const by = c.get('owner') === owner ? ERASED_OWNER : c.get('owner');
    await recordAudit(c, 'owner.erased', by, owner);
    return c.json({ owner, tasks: tasks.length, files: erased });
  },
);
