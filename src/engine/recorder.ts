import { createCoalescer } from '../domain/coalescer.ts';
import { describeError } from '../domain/errors.ts';
import { MAX_QUEUE_DELAY_MS } from '../domain/new-task.ts';
import { decideVerdict, type Outcome, type RetryPolicy, type Verdict } from '../domain/retry.ts';
import type { Task } from '../domain/task.ts';
import type { Logger } from '../log.ts';
import { classifyFailure } from '../store/failure.ts';
import type { TaskStore } from '../store/tasks.ts';
import { wasRecorded, type Recording } from '../store/recordings.ts';
import type { Transitions } from '../store/transitions.ts';
import type { Publish } from './publisher.ts';

/** Outcomes that end this close to each other share a statement. */
const GATHER_MS = 4;
/** Starts are published together with ends that come so soon: half the calls for a quick task. */
const TOGETHER_MS = 20;
/** A commit that failed is tried again after these, … */
const RETRY_AFTER_MS = [50, 500, 2_000];
/** … unless it took longer than this to fail: then the database stalls. */
const STALL_MS = 5_000;

export interface RecorderDeps {
  transitions: Pick<Transitions, 'record' | 'encodeRecordings'>;
  store: Pick<TaskStore, 'getMany'>;
  publish: Publish;
  /** Sets the Dispatcher's alarm. */
  ensureAlarmBy(at: number): Promise<void>;
  /** Keeps outcomes, as `encodeRecordings` made them, until the database takes them. */
  keepRecordings(texts: string[]): Promise<void>;
  findPolicy(owner: string, type: string): RetryPolicy;
  now(): number;
  random(): number;
  /** Resolves after `ms` milliseconds. */
  wait(ms: number): Promise<void>;
  log: Logger;
}

/** One ended attempt that waits for its group. */
interface EndedAttempt {
  recording: Recording;
  resolve(verdict: Verdict): void;
  reject(error: unknown): void;
}

/** A recorder for a batch of claimed tasks. */
export interface BatchRecorder {
  /** The batch is over: resolves when all starts are published. */
  end(): Promise<void>;
  /** One of the batch has no outcome to record here. */
  skip(): void;
  /**
   * Resolves with what follows, once it is committed, or kept for a database that does not answer,
   * or known that another writer was faster; rejects if it could not even be kept, and then the
   * lease brings the task back.
   */
  record(task: Task, outcome: Outcome): Promise<Verdict>;
}

/**
 * Outcomes -> rows -> commits that are published, gathered so that a batch costs a few statements.
 */
export const createRecorder = (deps: RecorderDeps) => {
  const { transitions, store, publish, findPolicy, now, random, wait, log } = deps;

  /** Of these recordings, the rows that show that they were committed although no answer came. */
  const readCommitted = async (recordings: readonly Recording[]): Promise<Task[]> => {
    const byId = new Map(recordings.map((recording) => [recording.task.id, recording]));
    const rows = await store.getMany(recordings.map(({ task }) => task));
    return rows.filter((row) => wasRecorded(row, byId.get(row.id) as Recording));
  };

  /**
   * Writes until the database answers; after an error that may hide a commit, what is there counts.
   */
  const write = async (recordings: readonly Recording[]): Promise<Task[]> => {
    let written: Task[] = [];
    let mayHideCommit = false;
    const startedAt = now();
    for (const pauseMs of [...RETRY_AFTER_MS, null]) {
      try {
        written = await transitions.record(recordings, now());
        break;
      } catch (error) {
        mayHideCommit ||= classifyFailure(error) === 'unknown';
        log.warn('record_failed', { tasks: recordings.length, error: describeError(error) });
        const isStalled = now() - startedAt > STALL_MS;
        if (pauseMs === null || isStalled || classifyFailure(error) === 'constraint') throw error;
        await wait(pauseMs);
      }
    }
    if (!mayHideCommit || written.length === recordings.length) return written;
    const known = new Set(written.map(({ id }) => id));
    return [
      ...written,
      ...(await readCommitted(recordings.filter(({ task }) => !known.has(task.id)))),
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

  /** Keeps all of a group: what of it was committed after all is written once more in vain. */
  const tryKeep = async (group: readonly EndedAttempt[]): Promise<boolean> => {
    try {
      const recordings = group.map(({ recording }) => recording);
      await deps.keepRecordings(transitions.encodeRecordings(recordings, now()));
      return true;
    } catch (error) {
      log.error('keep_failed', { tasks: group.length, error: describeError(error) });
      return false;
    }
  };

  /** A retry that the clock waits for comes on time; should this fail, within a minute of it. */
  const setAlarm = async (group: readonly EndedAttempt[]): Promise<void> => {
    const delays = group.flatMap(({ recording: { verdict } }) =>
      verdict.transition === 'reschedule' && verdict.delayMs > MAX_QUEUE_DELAY_MS
        ? verdict.delayMs
        : [],
    );
    if (delays.length === 0) return;
    await deps.ensureAlarmBy(now() + Math.min(...delays)).catch((error: unknown) => {
      log.warn('alarm_failed', { error: describeError(error) });
    });
  };

  const commit = async (
    group: readonly EndedAttempt[],
    takeStarted: () => readonly Task[],
  ): Promise<void> => {
    await setAlarm(group);
    try {
      const written = await writeEach(group.map(({ recording }) => recording));
      await publish([...takeStarted(), ...written]);
      for (const { recording, resolve } of group) resolve(recording.verdict);
    } catch (error) {
      const isKept = classifyFailure(error) !== 'constraint' && (await tryKeep(group));
      for (const { recording, resolve, reject } of group)
        if (isKept) resolve(recording.verdict);
        else reject(error);
    }
  };

  return {
    /**
     * A recorder for `size` claimed tasks, of which the last to end need not wait for others.
     * @param started claims that nobody has told of yet: with the first ends, or in a moment
     */
    forBatch(size: number, started: readonly Task[] = []): BatchRecorder {
      let left = size;
      let unpublished = started;
      let publishing = Promise.resolve();
      const takeStarted = (): readonly Task[] => {
        starts.cancel();
        const taken = unpublished;
        unpublished = [];
        return taken;
      };
      const starts = createCoalescer(() => void (publishing = publish(takeStarted())));
      if (started.length > 0) starts.request(TOGETHER_MS);
      let gathered: EndedAttempt[] = [];
      const commits = createCoalescer(() => {
        const group = gathered;
        gathered = [];
        void commit(group, takeStarted);
      });
      const commitSoon = (): void => (left === 0 ? commits.runNow() : commits.request(GATHER_MS));
      return {
        async end() {
          await Promise.all([publishing, publish(takeStarted())]);
        },
        skip() {
          left -= 1;
          if (gathered.length > 0) commitSoon();
        },
        record(task, outcome) {
          const policy = findPolicy(task.owner, task.type);
          const verdict = decideVerdict(outcome, task, policy, random);
          left -= 1;
          return new Promise((resolve, reject) => {
            gathered.push({ recording: { task, verdict }, resolve, reject });
            commitSoon();
          });
        },
      };
    },
  };
};

export type Recorder = ReturnType<typeof createRecorder>;
