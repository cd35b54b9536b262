import { assertTypeAllowed, findForbiddenScope, hasScope, type Scope } from '../domain/api-key.ts';
import { AppError } from '../domain/errors.ts';
import { refuseFields } from '../domain/field-errors.ts';
import { suggest } from '../domain/suggest.ts';
import type { AppContext } from './context.ts';

// What a key may give to another one: nothing that it does not have itself.

export const isOperator = (c: AppContext): boolean =>
  hasScope(c.get('identity').scopes, 'operator');

/** 403 for a key that has a scope which the caller has not. */
const assertHasScopes = (c: AppContext, scopes: readonly Scope[]): void => {
  const forbidden = findForbiddenScope(c.get('identity').scopes, scopes);
  if (forbidden === undefined) return;
  const message = `To give the scope "${forbidden}" needs it, or "operator"`;
  throw new AppError('scope_missing', message);
};

/** 403 for a key of an owner, or with scopes, that the caller may not give. */
export const assertMayGrant = (c: AppContext, owner: string, scopes: readonly Scope[]): void => {
  if (owner !== c.get('owner') && !isOperator(c))
    throw new AppError('scope_missing', 'Keys of other owners need the scope "operator"');
  assertHasScopes(c, scopes);
};

/** What narrows a key. */
export interface KeyBounds {
  taskTypes: readonly string[] | null;
  writesPerMinute: number | null;
  expiresAt: number | null;
}

/** A key is bound by whatever binds the one that makes it. */
export const narrowKey = (
  c: AppContext,
  { taskTypes, writesPerMinute, expiresAt }: KeyBounds,
): KeyBounds => {
  const maker = c.get('identity');
  for (const type of taskTypes ?? []) assertTypeAllowed(maker.taskTypes, type);
  const least = (a: number | null, b: number | null): number | null =>
    a === null || b === null ? (a ?? b) : Math.min(a, b);
  return {
    taskTypes: taskTypes ?? maker.taskTypes,
    writesPerMinute: least(writesPerMinute, maker.writesPerMinute),
    expiresAt: least(expiresAt, maker.expiresAt),
  };
};

/** The types by their own names; 422 for one that is not there. */
export const resolveTypes = (c: AppContext, names: readonly string[] | null): string[] | null => {
  if (names === null) return null;
  const { catalog } = c.get('services');
  const owner = c.get('owner');
  const known = catalog.list(owner).map(({ type }) => type);
  return [
    ...new Set(
      names.map((name, i) => {
        const handler = catalog.find(owner, name);
        if (handler) return handler.type;
        const message = `There is no type \`${name}\`${suggest(name, known)}`;
        const path = `task_types.${i}`;
        return refuseFields([{ in: 'body', path, code: 'unknown_type', message }]);
      }),
    ),
  ];
};
