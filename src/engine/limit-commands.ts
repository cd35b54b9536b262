import { AppError } from '../domain/errors.ts';
import { MAX_LIMITS, type Limit, type LimitNumbers, type ResolvedLimit } from '../domain/limit.ts';
import type { LimitStore } from '../store/limits.ts';
import type { LimitAdmission } from './admission.ts';

/** A limit that was there is not looked for again for this long. */
const KNOWN_MS = 10_000;
const MAX_KNOWN = 10_000;

export interface LimitCommandDeps {
  limits: Pick<LimitStore, 'put' | 'ensure' | 'pause' | 'resume' | 'remove'>;
  admission: Pick<LimitAdmission, 'admitAfter'>;
  now(): number;
}

const refuseMore = (): AppError =>
  new AppError(
    'too_many_limits',
    `An owner has ${MAX_LIMITS} limits at most: delete some, or give tenants a \`sub_key\` of one limit`,
  );
const refuseUnknown = (key: string): AppError =>
  new AppError('limit_not_found', `There is no limit "${key.slice(0, 100)}"`);

/** Changes limits; each change lets go at once what it allows. */
export const createLimitCommands = ({ limits, admission, now }: LimitCommandDeps) => {
  const knownUntil = new Map<string, number>();

  const admitUnder = (owner: string, key: string): Promise<void> =>
    admission.admitAfter([{ owner, limit_key: key }]);

  /** Carries out a change, and lets go what waited for it. */
  const change = async (
    owner: string,
    key: string,
    write: () => Promise<Limit | null>,
    refuse: () => AppError,
  ): Promise<Limit> => {
    const row = await write();
    if (!row) throw refuse();
    await admitUnder(owner, key);
    return row;
  };

  return {
    /** Makes a limit, or gives it other numbers. */
    put: (owner: string, key: string, numbers: LimitNumbers): Promise<Limit> =>
      change(owner, key, () => limits.put(owner, key, numbers, now()), refuseMore),

    /** Lets nothing begin before `until`, ms; an earlier end of a pause stays. */
    pause: (owner: string, key: string, until: number): Promise<Limit> =>
      change(
        owner,
        key,
        () => limits.pause(owner, key, until, now()),
        () => refuseUnknown(key),
      ),

    resume: (owner: string, key: string): Promise<Limit> =>
      change(
        owner,
        key,
        () => limits.resume(owner, key, now()),
        () => refuseUnknown(key),
      ),

    /** What waits under it is let go. */
    async remove(owner: string, key: string): Promise<void> {
      if (!(await limits.remove(owner, key))) throw refuseUnknown(key);
      knownUntil.delete(JSON.stringify([owner, key]));
      await admitUnder(owner, key);
    },

    /** Makes the limits of a submit that are not there; one statement, and mostly none. */
    async ensure(owner: string, wanted: readonly ResolvedLimit[]): Promise<void> {
      const toId = ({ key }: { key: string }): string => JSON.stringify([owner, key]);
      const unknown = new Map(
        wanted
          .filter((each) => (knownUntil.get(toId(each)) ?? -Infinity) <= now())
          .map((each) => [each.key, each]),
      );
      if (unknown.size === 0) return;
      const found = await limits.ensure(owner, [...unknown.values()], now());
      if (found.size < unknown.size) throw refuseMore();
      if (knownUntil.size >= MAX_KNOWN) knownUntil.clear();
      for (const key of found) knownUntil.set(toId({ key }), now() + KNOWN_MS);
    },
  };
};

export type LimitCommands = ReturnType<typeof createLimitCommands>;
