import { createCoalescer } from '../domain/coalescer.ts';
import { describeError } from '../domain/errors.ts';
import {
  decideVerdict,
  type EndedOutcome,
  type RetryPolicy,
  type Verdict,
} from '../domain/retry.ts';
import type { Task } from '../domain/task.ts';
import type { Recording } from '../store/recordings.ts';
import type { Transitions } from '../store/transitions.ts';
import { OwnerMoving } from './elsewhere.ts';
import type { FollowUp } from './follow-up.ts';
import type { LargeBodies } from './large-bodies.ts';
import { toMessageDelay } from './message-tracker.ts';
import type { Publish } from './publisher.ts';
import { toRecording } from './to-recording.ts';
import { createRecordingWriter, type RecordingWriterDeps } from './recording-writer.ts';

/** Outcomes that end this close to each other share a statement. */
const GATHER_MS = 4;
/** Starts are published together with ends that come so soon: half the calls for a quick task. */
const TOGETHER_MS = 20;

export interface RecorderDeps extends RecordingWriterDeps {
  transitions: Pick<Transitions, 'record' | 'encodeRecordings'>;
  publish: Publish;
  followUp: FollowUp;
  /** Sets the Dispatcher's alarm. */
  ensureAlarmBy(at: number): Promise<void>;
  /** Keeps outcomes, as `encodeRecordings` made them, until the database takes them. */
  keepRecordings(texts: string[]): Promise<void>;
  findPolicy(owner: string, type: string): RetryPolicy;
  keepResult: LargeBodies['keepResult'];
  random(): number;
}

/** What follows on an attempt. */
export interface Recorded {
  verdict: Verdict;
  /** The row that took it; null where another writer was faster, or it was kept. */
  row: Task | null;
}

/** One ended attempt that waits for its group. */
interface EndedAttempt {
  recording: Recording;
  resolve(recorded: Recorded): void;
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
  record(task: Task, outcome: EndedOutcome): Promise<Recorded>;
}

/**
 * Outcomes -> rows -> commits that are published, gathered so that a batch costs a few statements.
 */
export const createRecorder = (deps: RecorderDeps) => {
  const { transitions, publish, followUp, findPolicy, keepResult, now, random, log } = deps;
  const writeRecordings = createRecordingWriter(deps);

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
    const delays = group.flatMap(({ recording: { task, verdict } }) =>
      verdict.transition === 'reschedule' && toMessageDelay(task, verdict) === null
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
      const refused = new Map<Recording, unknown>();
      const written = await writeRecordings(
        group.map(({ recording }) => recording),
        (recording, error) => void refused.set(recording, error),
      );
      const ended = new Map(written.map((task) => [task.id, task]));
      await Promise.all([
        publish([...takeStarted(), ...written]),
        followUp(group.map(({ recording: { task } }) => ended.get(task.id) ?? task)),
      ]);
      // Its owner lives somewhere again in a moment.
      const moving = group.filter(({ recording }) => refused.get(recording) instanceof OwnerMoving);
      if (moving.length > 0 && (await tryKeep(moving)))
        for (const { recording } of moving) refused.delete(recording);
      for (const { recording, resolve, reject } of group)
        if (refused.has(recording)) reject(refused.get(recording));
        else resolve({ verdict: recording.verdict, row: ended.get(recording.task.id) ?? null });
    } catch (error) {
      const isKept = await tryKeep(group);
      for (const { recording, resolve, reject } of group)
        if (isKept) resolve({ verdict: recording.verdict, row: null });
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
      const gather = (recording: Recording): Promise<Recorded> => {
        left -= 1;
        return new Promise((resolve, reject) => {
          gathered.push({ recording, resolve, reject });
          commitSoon();
        });
      };
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
          const decide = (ended: EndedOutcome): Verdict =>
            decideVerdict(ended, task, policy, random);
          const recording = toRecording(task, outcome, decide, keepResult);
          // Others do not wait for what is large.
          return recording instanceof Promise ? recording.then(gather) : gather(recording);
        },
      };
    },
  };
};

export type Recorder = ReturnType<typeof createRecorder>;
