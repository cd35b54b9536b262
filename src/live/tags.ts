// Sockets of a board are found by tags: the task id that they watch, and these two.

/** The tag of those who watch the whole list. */
export const WHOLE_LIST = '*';

/** The tag of a key's streams; no task id has a colon. */
export const toKeyTag = (keyId: string): string => `key:${keyId}`;
