import { describeError } from '../domain/errors.ts';
import type { Task } from '../domain/task.ts';
import type { Logger } from '../log.ts';
import { classifyFailure } from '../store/failure.ts';
import { wasRecorded, type Recording } from '../store/recordings.ts';
import type { TaskStore } from '../store/tasks.ts';
import type { Transitions } from '../store/transitions.ts';
import { OwnerMoving } from './elsewhere.ts';

/** A commit that failed is tried again after these, … */
const RETRY_AFTER_MS = [50, 500, 2_000];
/** … unless it took longer than this to fail: then the database stalls. */
const STALL_MS = 5_000;

/** Is told of a recording that cannot be written, which does not fail its neighbours. */
export type Refuse = (recording: Recording, error: unknown) => void;

export interface RecordingWriterDeps {
  transitions: Pick<Transitions, 'record'>;
  store: Pick<TaskStore, 'getMany'>;
  now(): number;
  /** Resolves after `ms` milliseconds. */
  wait(ms: number): Promise<void>;
  log: Logger;
}

/** Writes outcomes, and finds out which rows took them; rejects when the database does not. */
export const createRecordingWriter = (deps: RecordingWriterDeps) => {
  const { transitions, store, now, wait, log } = deps;

  /** Of these recordings, the rows that show that they were committed although no answer came. */
  const readCommitted = async (recordings: readonly Recording[]): Promise<Task[]> => {
    const byId = new Map(recordings.map((recording) => [recording.task.id, recording]));
    const rows = await store.getMany(recordings.map(({ task }) => task));
    return rows.filter((row) => wasRecorded(row, byId.get(row.id) as Recording));
  };

  /**
   * Writes until the database answers; after an error, which may hide a commit, what is there counts.
   * A group is more than one statement: what one refused, another may have committed. It does not wait
   * for an owner on the move, whose recordings are refused.
   */
  const write = async (
    recordings: readonly Recording[],
    refuse: Refuse,
    mayHideCommit: boolean,
  ): Promise<Task[]> => {
    let written: Task[] = [];
    let hasFailed = mayHideCommit;
    const startedAt = now();
    for (const pauseMs of [...RETRY_AFTER_MS, null]) {
      try {
        written = await transitions.record(recordings, now());
        break;
      } catch (error) {
        if (error instanceof OwnerMoving) {
          written = [...error.written];
          for (const each of error.moving) refuse(each, error);
          break;
        }
        hasFailed = true;
        log.warn('record_failed', { tasks: recordings.length, error: describeError(error) });
        const isStalled = now() - startedAt > STALL_MS;
        if (pauseMs === null || isStalled || classifyFailure(error) === 'constraint') throw error;
        await wait(pauseMs);
      }
    }
    if (!hasFailed || written.length === recordings.length) return written;
    const known = new Set(written.map(({ id }) => id));
    return [
      ...written,
      ...(await readCommitted(recordings.filter(({ task }) => !known.has(task.id)))),
    ];
  };

  /**
   * As `write`; one row that the schema refuses does not fail its neighbours.
   */
  const writeEach = async (
    recordings: readonly Recording[],
    refuse: Refuse,
    mayHideCommit = false,
  ): Promise<Task[]> => {
    try {
      return await write(recordings, refuse, mayHideCommit);
    } catch (error) {
      if (classifyFailure(error) !== 'constraint') throw error;
      const [only] = recordings;
      if (only && recordings.length === 1) {
        refuse(only, error);
        return [];
      }
      const half = Math.ceil(recordings.length / 2);
      return [
        ...(await writeEach(recordings.slice(0, half), refuse, true)),
        ...(await writeEach(recordings.slice(half), refuse, true)),
      ];
    }
  };
  return writeEach;
};
