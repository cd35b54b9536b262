// Sockets of a board are found by tags: the task id that they watch, and these.

/** The tag of those who watch the whole list. */
export const WHOLE_LIST = '*';

/** The tag of a key's streams; no task id has a colon. */
const KEY = 'key:';
export const toKeyTag = (keyId: string): string => `${KEY}${keyId}`;

/** The key among the tags of a socket; undefined where none opened it. */
export const findKeyId = (tags: readonly string[]): string | undefined =>
  tags.find((tag) => tag.startsWith(KEY))?.slice(KEY.length);

/** The tag of workers that wait for tasks, and how the types are named that they wait for. */
export const WORKERS = 'work';
export const toTypeTag = (type: string): string => `work:${type}`;
