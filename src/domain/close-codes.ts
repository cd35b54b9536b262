/** Close code of a stream whose task was deleted; 4000 and above are an application's own. */
export const DELETED = 4404;
/** Close code of the streams of a key that was revoked or has expired. */
export const REVOKED = 4401;

/** A worker stops: what it still waits for must not be given a task. */
export const DISMISSED = 4410;
/** A worker waits anew: its earlier request was cut off, or is another worker’s of that name. */
export const REPLACED = 4411;
