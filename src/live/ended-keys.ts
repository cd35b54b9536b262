import { findKeyId } from './tags.ts';

export interface EndedKeysDeps {
  /** Those of these keys that may be used no longer. */
  findEndedKeys(ids: string[]): Promise<string[]>;
}

/** The keys of sockets, by their tags, that may be used no longer; when asking fails, none yet. */
export const findEndedKeys = async (
  tags: readonly (readonly string[])[],
  deps: EndedKeysDeps,
): Promise<string[]> => {
  const ids = new Set(tags.flatMap((each) => findKeyId(each) ?? []));
  if (ids.size === 0) return [];
  return deps.findEndedKeys([...ids]).catch(() => []);
};
