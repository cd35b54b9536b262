import type { CommitListener } from '../domain/commit-listener.ts';
import { describeError } from '../domain/errors.ts';
import type { CommittedTask } from '../domain/task.ts';
import { withTimeout } from '../domain/timeout.ts';
import type { Logger } from '../log.ts';

export type Publish = (tasks: readonly CommittedTask[]) => Promise<void>;

/**
 * A listener that has not answered by then is abandoned: it may miss a commit, but never hold the
 * work up.
 */
const LISTENER_TIMEOUT_MS = 2_000;

/**
 * After the commit, once per batch: calls every listener. Best effort: never throws, never waits
 * long.
 */
export const createPublisher = ({
  listeners,
  log,
}: {
  listeners: readonly CommitListener[];
  log: Logger;
}): Publish => {
  const call = async (listener: CommitListener, tasks: readonly CommittedTask[]): Promise<void> => {
    try {
      const work = listener.onCommit(tasks);
      if (work) await withTimeout(LISTENER_TIMEOUT_MS, work);
    } catch (error) {
      const fields = { listener: listener.name, tasks: tasks.length };
      log.warn('publish_failed', { ...fields, error: describeError(error) });
    }
  };
  return async (tasks) => {
    if (tasks.length > 0) await Promise.all(listeners.map((listener) => call(listener, tasks)));
  };
};
