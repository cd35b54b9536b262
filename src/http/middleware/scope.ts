import { createMiddleware } from 'hono/factory';
import { hasScope, type Scope } from '../../domain/api-key.ts';
import { AppError } from '../../domain/errors.ts';
import { authenticate } from '../authenticate.ts';
import type { AppEnv } from '../context.ts';
import { enterShard } from '../enter-shard.ts';
import { describeWith } from './docs.ts';

/** The scope that a route requires, or none. */
export type RequiredScope = Scope | 'public';

const KEY_ERRORS = [
  'key_missing',
  'key_invalid',
  'key_expired',
  'key_revoked',
  'scope_missing',
  'database_unavailable',
  'owner_moving',
] as const;

/**
 * Lets a request in whose key has the scope, or throws 401 or 403. Every route names what it asks
 * for.
 */
export const scope = (required: RequiredScope) =>
  describeWith(
    createMiddleware<AppEnv>(async (c, next) => {
      if (required === 'public') return next();
      const identity = await authenticate(c);
      if (!hasScope(identity.scopes, required)) {
        const scopes = identity.scopes.join(', ') || 'none';
        const message = `This needs the scope "${required}"; the key has ${scopes}`;
        throw new AppError('scope_missing', message);
      }
      // A token reads its own task, whatever the route.
      const isOthers =
        identity.taskId !== null && c.req.param('id')?.toLowerCase() !== identity.taskId;
      if (isOthers) throw new AppError('scope_missing', 'This token reads one task alone');
      c.set('identity', identity);
      c.set('owner', identity.owner);
      // What concerns every owner goes on while the caller's own is moved: that very move, too.
      await enterShard(c, identity.owner, required !== 'operator');
      return next();
    }),
    required === 'public'
      ? { 'x-scope': required, security: [] }
      : { 'x-scope': required, security: [{ key: [] }], 'x-problems': KEY_ERRORS },
  );
