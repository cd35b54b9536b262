import {
  decideVerdict,
  type EndedOutcome,
  type RetryPolicy,
  type Verdict,
} from '../domain/retry.ts';
import type { RunKey } from '../domain/run-token.ts';
import type { Task } from '../domain/task.ts';
import type { Status } from '../domain/words.ts';
import type { Catalog } from '../handlers/catalog.ts';
import type { OutsideRuns, Renewed } from '../store/outside-runs.ts';
import type { Recording } from '../store/recordings.ts';
import type { TaskStore } from '../store/tasks.ts';
import type { ReadFlowValues } from './flow-values.ts';
import type { FollowUp } from './follow-up.ts';
import type { LargeBodies } from './large-bodies.ts';
import { toRecording } from './to-recording.ts';
import { toMessageDelay } from './message-tracker.ts';
import type { Publish } from './publisher.ts';
import { toEndedOutcome, type RunEnd } from './run-ends.ts';
import type { TaskQueues } from './task-queues.ts';
import { createRecordingWriter, type RecordingWriterDeps } from './recording-writer.ts';

/** What became of a run: the status of its task (null: deleted), and whether this end was the one. */
export interface SettledRun {
  status: Status | null;
  recorded: boolean;
}

export interface WorkDeps extends RecordingWriterDeps {
  outsideRuns: Pick<OutsideRuns, 'claimForWorker' | 'renew' | 'settle'>;
  taskQueues: Pick<TaskQueues, 'enqueue'>;
  store: Pick<TaskStore, 'getMany'>;
  catalog: Catalog;
  publish: Publish;
  followUp: FollowUp;
  /** For tasks of flows whose values were too large to be copied. */
  fillLeased: ReadFlowValues['fillLeased'];
  keepResult: LargeBodies['keepResult'];
  /** Sets the Dispatcher's alarm; awaited before any row is due. */
  ensureAlarmBy(at: number): Promise<void>;
  random(): number;
}

/** Of a type that is gone: its tasks fail for good. */
const NO_RETRY: RetryPolicy = { maxAttempts: 1, baseSeconds: 1, maxSeconds: 1 };

/**
 * Runs outside: leased to workers, renewed, and ended by a call. Claim, lease, fence and record are
 * those of all tasks.
 */
export const createWork = (deps: WorkDeps) => {
  const { outsideRuns, store, taskQueues, catalog, publish, followUp } = deps;
  const { ensureAlarmBy, now, random } = deps;
  const writeRecordings = createRecordingWriter(deps);

  const recordEnd = (task: Task, end: RunEnd): Recording | Promise<Recording> => {
    const policy = catalog.find(task.owner, task.type)?.retry ?? NO_RETRY;
    const decide = (ended: EndedOutcome): Verdict => decideVerdict(ended, task, policy, random);
    return toRecording(task, toEndedOutcome(catalog, task, end), decide, deps.keepResult);
  };

  /** A retry is held until its time: no message of its own brings it back. */
  const setAlarm = async (verdicts: readonly Verdict[]): Promise<void> => {
    const delays = verdicts.flatMap((verdict) =>
      verdict.transition === 'reschedule' ? verdict.delayMs : [],
    );
    if (delays.length > 0) await ensureAlarmBy(now() + Math.min(...delays));
  };

  /** Writes ends of runs, fenced on their attempts. Returns the rows that took them, by id. */
  const record = async (
    ends: readonly (Recording | Promise<Recording>)[],
  ): Promise<Map<string, Task>> => {
    if (ends.length === 0) return new Map();
    const recordings = await Promise.all(ends.map(async (each) => each));
    await setAlarm(recordings.map(({ verdict }) => verdict));
    const refusals: unknown[] = [];
    const written = await writeRecordings(recordings, (_, error) => void refusals.push(error));
    const verdicts = new Map(recordings.map(({ task, verdict }) => [task.id, verdict]));
    // Endpoints are called by consumers, which a message tells.
    const queued = written.filter(({ status, held }) => status === 'PENDING' && held === null);
    const findDelay = (task: Task): number =>
      toMessageDelay(task, verdicts.get(task.id) ?? null) ?? 0;
    await Promise.all([publish(written), taskQueues.enqueue(queued, findDelay), followUp(written)]);
    if (refusals.length > 0) throw refusals[0];
    return new Map(written.map((task) => [task.id, task]));
  };

  const loadTypes = async (tasks: readonly Task[]): Promise<void> => {
    for (const [owner, rows] of Map.groupBy(tasks, (task) => task.owner))
      await catalog.load(
        owner,
        rows.map(({ type }) => type),
      );
  };

  return {
    /**
     * Takes up to `most` tasks of these types for one of the owner's workers, under a short lease
     * that lasts until it is heard of.
     */
    async lease(owner: string, types: readonly string[], most: number): Promise<Task[]> {
      const tasks = await outsideRuns.claimForWorker(owner, types, most, now());
      await publish(tasks);
      const { whole, failed } = await deps.fillLeased(tasks);
      await record(
        failed.map(({ task, error }) => recordEnd(task, { kind: 'failed', error, retry: false })),
      );
      return whole;
    },

    /** Lets leases last on; those that are not in the answer are over. */
    async renew(
      runs: readonly RunKey[],
      saved: { progress?: string; checkpoint?: string } = {},
    ): Promise<Map<string, Renewed>> {
      if (runs.length === 0) return new Map();
      const renewed = runs.map((run) => ({ ...run, progress: null, ...saved }));
      return outsideRuns.renew(renewed, now());
    },

    /**
     * Records how runs ended, in the order given; repeating it changes nothing. Rejects when the
     * database does not answer: then it may be repeated.
     */
    async settle(ends: readonly { run: RunKey; end: RunEnd }[]): Promise<SettledRun[]> {
      if (ends.length === 0) return [];
      const rows = new Map(
        (await store.getMany(ends.map(({ run }) => run))).map((task) => [task.id, task]),
      );
      await loadTypes([...rows.values()]);
      // Of several ends of one run, the first one counts.
      const open = new Map<string, { end: RunEnd; recording: ReturnType<typeof recordEnd> }>();
      for (const { run, end } of ends) {
        const task = rows.get(run.id);
        const isOpen = task?.status === 'IN_PROGRESS' && task.attempt === run.attempt;
        if (isOpen && !open.has(run.id)) open.set(run.id, { end, recording: recordEnd(task, end) });
      }
      const written = await record([...open.values()].map(({ recording }) => recording));
      const missed = [...open.keys()].filter((id) => !written.has(id));
      // Another writer was faster: what is there now counts.
      for (const task of missed.length > 0 ? await store.getMany(ends.map(({ run }) => run)) : [])
        rows.set(task.id, task);
      return ends.map(({ run: { id }, end }) => {
        const task = written.get(id) ?? rows.get(id);
        const recorded = written.has(id) && open.get(id)?.end === end;
        return { status: task?.status ?? null, recorded };
      });
    },

    /** Fails the attempts of runs whose time is over. */
    async expire(tasks: readonly Task[]): Promise<void> {
      await loadTypes(tasks);
      const toSeconds = ({ timeout_ms }: Task): number => timeout_ms / 1_000;
      await record(
        tasks.map((task) => {
          const error = { code: 'timeout', message: `No result within ${toSeconds(task)} s` };
          return recordEnd(task, { kind: 'failed', error });
        }),
      );
    },
  };
};

export type Work = ReturnType<typeof createWork>;
