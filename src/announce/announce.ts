import { messageOf } from '../domain/errors.ts';
import type { Task, TaskHead } from '../domain/task.ts';
import { within } from '../domain/within.ts';
import type { Logger } from '../log.ts';

/** A row as its write returned it. The sweep's come without their long parts. */
export type Announced = TaskHead & Partial<Pick<Task, 'params' | 'result'>>;

/** Somebody who wants to know what was committed. */
export interface Sink {
  name: string;
  tell(tasks: readonly Announced[]): Promise<void> | void;
}

export type Announce = (tasks: readonly Announced[]) => Promise<void>;

/** A sink that has not answered by then is abandoned: it can lose a word, never hold the work up. */
const SINK_TIMEOUT_MS = 2_000;

/** After the commit, once per batch: tells every sink. Best effort: never throws, never waits long. */
export const createAnnouncer = ({
  sinks,
  log,
}: {
  sinks: readonly Sink[];
  log: Logger;
}): Announce => {
  const tell = async (sink: Sink, tasks: readonly Announced[]): Promise<void> => {
    try {
      const telling = sink.tell(tasks);
      if (telling) await within(SINK_TIMEOUT_MS, telling);
    } catch (error) {
      log.warn('announce_failed', {
        sink: sink.name,
        tasks: tasks.length,
        error: messageOf(error),
      });
    }
  };
  return async (tasks) => {
    if (tasks.length > 0) await Promise.all(sinks.map((sink) => tell(sink, tasks)));
  };
};
