/** So often, half a second in all: `npm run keys` holds the lock for 3 ms at a time, measured. */
const RETRIES = 25;
const WAIT_MS = 20;

/**
 * Whether SQLite had no turn for a statement because another process writes to its file. Only the
 * local database says so; a deployed one has no file that others open.
 * - a write, it then has not begun: https://www.sqlite.org/rescode.html#busy
 * - a read is answered only after the simulator has written a note of its own, which may find the
 * lock: a read may be done twice
 */
const isLocked = (error: unknown, isRead: boolean): boolean =>
  error instanceof Error &&
  (error.message.includes('SQLITE_BUSY') ||
    (isRead && error.message.includes('Failed to get session commit token')));

/** Asks again while another process writes to the local database; rejects as the last try did. */
export const repeatLocked = async <T>(isRead: boolean, work: () => Promise<T>): Promise<T> => {
  for (let retry = 0; ; retry += 1) {
    try {
      return await work();
    } catch (error) {
      if (retry === RETRIES || !isLocked(error, isRead)) throw error;
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
    }
  }
};
