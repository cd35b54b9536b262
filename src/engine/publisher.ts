import { describeError } from '../domain/errors.ts';
import type { Task, TaskSummaryRow } from '../domain/task.ts';
import { withTimeout } from '../domain/timeout.ts';
import type { Logger } from '../log.ts';

/** A row as its write returned it. The sweep's come without their long parts. */
export type CommittedTask = TaskSummaryRow & Partial<Pick<Task, 'params' | 'result'>>;

/** Somebody who wants to know what was committed. */
export interface CommitListener {
  name: string;
  tell(tasks: readonly CommittedTask[]): Promise<void> | void;
}

export type Publish = (tasks: readonly CommittedTask[]) => Promise<void>;

/** A sink that has not answered by then is abandoned: it can lose a word, never hold the work up. */
const SINK_TIMEOUT_MS = 2_000;

/** After the commit, once per batch: tells every sink. Best effort: never throws, never waits long. */
export const createPublisher = ({
  sinks,
  log,
}: {
  sinks: readonly CommitListener[];
  log: Logger;
}): Publish => {
  const tell = async (sink: CommitListener, tasks: readonly CommittedTask[]): Promise<void> => {
    try {
      const telling = sink.tell(tasks);
      if (telling) await withTimeout(SINK_TIMEOUT_MS, telling);
    } catch (error) {
      log.warn('announce_failed', {
        sink: sink.name,
        tasks: tasks.length,
        error: describeError(error),
      });
    }
  };
  return async (tasks) => {
    if (tasks.length > 0) await Promise.all(sinks.map((sink) => tell(sink, tasks)));
  };
};
