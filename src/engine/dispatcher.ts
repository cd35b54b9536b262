import { DurableObject } from 'cloudflare:workers';
import {
  decodeRecordings,
  decodeTasks,
  encodeAcceptances,
  type Acceptance,
} from './accept-wire.ts';
import { createAccepter, type AccepterDeps } from './accepter.ts';
import { createClock, type ClockDeps } from './clock.ts';
import { RESEND_AFTER_MS } from '../domain/new-task.ts';
import type { PurgedTask } from '../store/deletions.ts';
import { encodeTask } from '../store/inserts.ts';
import { createFairQueues, type FairQueuesDeps } from './fair-queues.ts';
import { createGroupRecorder, type GroupRecorderDeps } from './group-recorder.ts';
import { createFlowAccepter, decodeFlow, type FlowAccepterDeps } from './flow-accepter.ts';
import { createKeptRecordings, type KeptRecordingsDeps } from './kept-recordings.ts';
import type { createPurge } from './purge.ts';
import { createScheduler, type SchedulerDeps } from './scheduler.ts';
import type { SubmissionDeps } from './submission.ts';

export type DispatcherDeps = Omit<AccepterDeps, 'ensureAlarmBy' | 'noteOutage' | 'taskQueues'> &
  Omit<ClockDeps, 'alarm' | 'kept' | 'fireSchedules' | 'taskQueues'> &
  FairQueuesDeps &
  Omit<KeptRecordingsDeps, 'storage'> &
  GroupRecorderDeps &
  Omit<SchedulerDeps, 'submit'> &
  Pick<FlowAccepterDeps, 'flows'> & {
    purge: ReturnType<typeof createPurge>;
    /** The way of a submit whose tasks `accept` stores. */
    submitBy(accept: SubmissionDeps['accept']): SchedulerDeps['submit'];
    /** Hands on what was counted; never throws. */
    flushCounts(): Promise<void>;
  };

/**
 * Where tasks come in, and the clock that brings them back. One instance does it all; see
 * `chooseDispatcher`.
 */
export class Dispatcher extends DurableObject<Env> {
  readonly #clock: ReturnType<typeof createClock>;
  readonly #kept: ReturnType<typeof createKeptRecordings>;
  readonly #quota: DispatcherDeps['quota'];
  readonly #purge: DispatcherDeps['purge'];
  readonly #flushCounts: DispatcherDeps['flushCounts'];
  readonly #accepter: ReturnType<typeof createAccepter>;
  readonly #record: ReturnType<typeof createGroupRecorder>;
  readonly #flowAccepter: ReturnType<typeof createFlowAccepter>;

  constructor(state: DurableObjectState, env: Env, deps: DispatcherDeps) {
    super(state, env);
    const taskQueues = createFairQueues(deps);
    this.#quota = deps.quota;
    this.#purge = deps.purge;
    this.#flushCounts = deps.flushCounts;
    this.#kept = createKeptRecordings({ ...deps, storage: state.storage });
    const submit = deps.submitBy((tasks) =>
      this.#accepter.accept(tasks.map((task) => ({ task, row: encodeTask(task) }))),
    );
    this.#clock = createClock({
      ...deps,
      taskQueues,
      kept: this.#kept,
      alarm: state.storage,
      fireSchedules: createScheduler({ ...deps, submit }).fire,
    });
    const { ensureAlarmBy, noteOutage } = this.#clock;
    const ways = { ...deps, taskQueues, ensureAlarmBy, noteOutage };
    this.#accepter = createAccepter(ways);
    this.#flowAccepter = createFlowAccepter(ways);
    this.#record = createGroupRecorder(deps);
  }

  /**
   * Writes the tasks and sends them to their queues; answers after the commit. Repeating it by id
   * is safe. Both texts are those of accept-wire.ts.
   */
  async accept(tasks: string): Promise<string> {
    return encodeAcceptances(await this.#accepter.accept(decodeTasks(tasks)));
  }

  /** The same for a flow, as flow-accepter.ts encodes it. */
  acceptFlow(flow: string): Promise<Acceptance> {
    return this.#flowAccepter.accept(decodeFlow(flow));
  }

  /**
   * Writes outcomes of direct runs, as accept-wire.ts encodes them, and tells of them; the rows that
   * took them, as JSON. Repeating it is safe.
   */
  async record(recordings: string): Promise<string> {
    // The clock empties the memory in which they are counted.
    await this.#clock.ensureAlarmBy(Date.now() + RESEND_AFTER_MS);
    return JSON.stringify(await this.#record(decodeRecordings(recordings)));
  }

  /** Reserves `count` more unfinished tasks for an owner; false when that exceeds the quota. */
  tryReserve(owner: string, count = 1): Promise<boolean> {
    const tasks = Array.from({ length: count }, () => ({ owner }));
    return this.#quota.tryReserve(tasks).catch(() => true);
  }

  /** Deletes some of an owner's tasks: an invocation of its own, so that none deletes too many. */
  purge(owner: string): Promise<PurgedTask[]> {
    return this.#purge(owner);
  }

  /** Keeps outcomes that the database did not take, and writes them when it does. */
  async keepRecordings(texts: string[]): Promise<void> {
    await this.#kept.keep(texts);
    this.#clock.noteOutage();
    await this.#clock.ensureAlarmBy(Date.now() + 1_000);
  }

  /** For /health: whether the last submits could be stored. */
  isAccepting(): boolean {
    return this.#accepter.isAccepting();
  }

  /**
   * Call it before a row becomes due at `at` (ms): a crash in between leaves an alarm too many,
   * never one too few.
   */
  ensureAlarmBy(at: number): Promise<void> {
    return this.#clock.ensureAlarmBy(at);
  }

  /** The cron, which is the spare of the alarm: sweeps now. */
  async tickNow(): Promise<void> {
    await this.#clock.tick();
    // Not by a timer, which would keep the object awake, and billed, after each task.
    await this.#flushCounts();
  }

  override alarm(): Promise<void> {
    return this.tickNow();
  }
}

/** The name of the Dispatcher of a shard. */
export const chooseDispatcher = (shard = 0): string => `dispatcher-${shard}`;

/**
 * The shard whose Dispatcher has this name. Of several shards one without a name is not served: it would
 * keep the clock of another database.
 */
export const readShard = (name: string | undefined, shards: number): number => {
  if (shards === 1) return 0;
  const shard = Number(/^dispatcher-(\d+)$/.exec(name ?? '')?.[1] ?? Number.NaN);
  if (shard < shards) return shard;
  throw new Error(`There is no shard for a Dispatcher named "${name}"`);
};
