import type { Publish } from './publisher.ts';
import { describeError } from '../domain/errors.ts';
import { decideVerdict, type Outcome, type RetryPolicy, type Verdict } from '../domain/retry.ts';
import type { Task } from '../domain/task.ts';
import type { Logger } from '../log.ts';
import { classifyFailure } from '../store/failure.ts';
import type { TaskStore } from '../store/tasks.ts';
import { wasRecorded, type Recording, type Transitions } from '../store/transitions.ts';

/** Outcomes that end this close to each other share a statement. */
const GATHER_MS = 4;
/** A commit that failed is tried again after these; a lease outlives them all. */
const RETRY_AFTER_MS = [50, 500, 2_000];

export interface RecorderDeps {
  transitions: Pick<Transitions, 'record'>;
  store: Pick<TaskStore, 'getMany'>;
  publish: Publish;
  policyOf(type: string): RetryPolicy;
  now(): number;
  random(): number;
  /** Resolves after so many ms. */
  wait(ms: number): Promise<void>;
  log: Logger;
}

/** One ended attempt that waits for its group. */
interface Ended {
  recording: Recording;
  resolve(verdict: Verdict): void;
  reject(error: unknown): void;
}

/** Outcomes -> rows -> announcements, gathered so that a batch costs a few statements. */
export const createRecorder = ({
  transitions,
  store,
  publish,
  policyOf,
  now,
  random,
  wait,
  log,
}: RecorderDeps) => {
  /** Writes until the database answers; after an error that may hide a commit, what is there counts. */
  const write = async (recordings: readonly Recording[]): Promise<Task[]> => {
    let written: Task[] = [];
    let mayHideCommit = false;
    for (const pauseMs of [...RETRY_AFTER_MS, null]) {
      try {
        written = await transitions.record(recordings, now());
        break;
      } catch (error) {
        mayHideCommit ||= classifyFailure(error) === 'unknown';
        log.warn('record_failed', { tasks: recordings.length, error: describeError(error) });
        if (pauseMs === null || classifyFailure(error) === 'constraint') throw error;
        await wait(pauseMs);
      }
    }
    if (!mayHideCommit || written.length === recordings.length) return written;
    const known = new Set(written.map(({ id }) => id));
    const unknown = new Map(
      recordings
        .filter(({ task }) => !known.has(task.id))
        .map((recording) => [recording.task.id, recording]),
    );
    const rows = await store.getMany([...unknown.values()].map(({ task }) => task));
    return [
      ...written,
      ...rows.filter((row) => wasRecorded(row, unknown.get(row.id) as Recording)),
    ];
  };

  /** As `write`; one row that the schema refuses must not fail its neighbours. */
  const writeEach = async (recordings: readonly Recording[]): Promise<Task[]> => {
    try {
      return await write(recordings);
    } catch (error) {
      if (classifyFailure(error) !== 'constraint' || recordings.length === 1) throw error;
      const half = Math.ceil(recordings.length / 2);
      return [
        ...(await writeEach(recordings.slice(0, half))),
        ...(await writeEach(recordings.slice(half))),
      ];
    }
  };

  const flush = async (group: readonly Ended[]): Promise<void> => {
    try {
      await publish(await writeEach(group.map(({ recording }) => recording)));
      for (const { recording, resolve } of group) resolve(recording.verdict);
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  };

  return {
    /** A recorder for a batch of `size` claimed tasks, of which the last to end waits for nobody. */
    forBatch(size: number) {
      let left = size;
      let gathered: Ended[] = [];
      let timer: ReturnType<typeof setTimeout> | undefined;
      const flushGathered = (): void => {
        clearTimeout(timer);
        timer = undefined;
        const group = gathered;
        gathered = [];
        void flush(group);
      };
      const flushSoon = (): void => {
        if (left === 0) flushGathered();
        else timer ??= setTimeout(flushGathered, GATHER_MS);
      };
      return {
        /** One of the batch has no outcome to record here. */
        skip(): void {
          left -= 1;
          if (gathered.length > 0) flushSoon();
        },

        /**
         * Resolves with what follows, once it is committed or known that somebody was faster; rejects if the database
         * never answered, and then the lease brings the task back.
         */
        record(task: Task, outcome: Outcome): Promise<Verdict> {
          const verdict = decideVerdict(outcome, task, policyOf(task.type), random);
          const recording = { task, verdict };
          left -= 1;
          return new Promise((resolve, reject) => {
            gathered.push({ recording, resolve, reject });
            flushSoon();
          });
        },
      };
    },
  };
};

export type Recorder = ReturnType<typeof createRecorder>;
