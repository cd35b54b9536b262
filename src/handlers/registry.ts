import type { RegisteredType } from '../domain/registered-type.ts';
import type { Catalog } from './catalog.ts';
import type { Handler } from './handler.ts';
import { toHandler } from './registered.ts';

/** A change of a type is seen everywhere after this long at most, … */
const HOLD_MS = 10_000;
/** … and that there is one now, after this. */
const HOLD_ABSENCE_MS = 1_000;
/** More than one submit can name. */
const MAX_HELD = 5_000;

interface Held {
  /** Null: the owner has no such type. */
  handler: Handler | null;
  until: number;
}

/** The built-in types, and those that owners registered. */
export const createRegistry = ({
  builtIn,
  getMany,
  now,
}: {
  builtIn: Catalog;
  getMany(owner: string, names: readonly string[]): Promise<RegisteredType[]>;
  now(): number;
}): Catalog & { keep(row: RegisteredType): Handler; forget(owner: string, name: string): void } => {
  const held = new Map<string, Held>();
  const toKey = (owner: string, name: string): string => `${owner}\n${name}`;
  const hold = (owner: string, name: string, handler: Handler | null): void => {
    const until = now() + (handler ? HOLD_MS : HOLD_ABSENCE_MS);
    const key = toKey(owner, name);
    // Put last anew: the first is the one that was not asked for longest.
    held.delete(key);
    held.set(key, { handler, until });
    const [oldest] = held.keys();
    if (held.size > MAX_HELD && oldest !== undefined) held.delete(oldest);
  };
  const isFresh = (owner: string, name: string): boolean =>
    builtIn.find(owner, name) !== undefined || (held.get(toKey(owner, name))?.until ?? 0) > now();

  const read = async (owner: string, names: readonly string[]): Promise<void> => {
    const rows = new Map((await getMany(owner, names)).map((row) => [row.name, row]));
    for (const name of names) {
      const row = rows.get(name);
      hold(owner, name, row ? toHandler(row) : null);
    }
  };

  return {
    find: (owner, name) =>
      builtIn.find(owner, name) ?? held.get(toKey(owner, name))?.handler ?? undefined,
    list: (owner) => [
      ...builtIn.list(owner),
      ...[...held]
        .filter(([key]) => key.startsWith(`${owner}\n`))
        .flatMap(([, { handler }]) => handler ?? []),
    ],
    load(owner, names) {
      const stale = [...new Set(names)].filter((name) => !isFresh(owner, name));
      return stale.length > 0 ? read(owner, stale) : undefined;
    },
    keep(row) {
      const handler = toHandler(row);
      hold(row.owner, row.name, handler);
      return handler;
    },
    forget: (owner, name) => void held.delete(toKey(owner, name)),
  };
};
