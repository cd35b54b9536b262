import { createElsewhere, type ElsewhereDeps } from '../../src/engine/elsewhere.ts';
import { database, isSharded } from './database.ts';
import { env } from 'cloudflare:workers';
import { createDeliveryListener } from '../../src/deliveries/listener.ts';
import type { Delivery, DeliveryKey, DeliveryResult } from '../../src/domain/delivery.ts';
import { AppError } from '../../src/domain/errors.ts';
import { buildTask } from '../../src/domain/new-task.ts';
import { MESSAGE_VERSION, type Task, type TaskMessage } from '../../src/domain/task.ts';
import type { TypeDefinition } from '../../src/domain/registered-type.ts';
import { readRunToken, type RunKey } from '../../src/domain/run-token.ts';
import { isFinal, type Status } from '../../src/domain/words.ts';
import { createAccepter } from '../../src/engine/accepter.ts';
import { pickDirect } from '../../src/domain/direct-run.ts';
import { createGroupRecorder } from '../../src/engine/group-recorder.ts';
import { readStub } from '../../src/domain/body.ts';
import { createLargeBodies } from '../../src/engine/large-bodies.ts';
import { createBodyStore } from '../../src/store/body-store.ts';
import type { RunEnd } from '../../src/engine/run-ends.ts';
import type { Work } from '../../src/engine/work.ts';
import { createKeptRecordings } from '../../src/engine/kept-recordings.ts';
import { createClock } from '../../src/engine/clock.ts';
import { createScheduleCommands } from '../../src/engine/schedule-commands.ts';
import { createScheduler } from '../../src/engine/scheduler.ts';
import { createSubmission, type Submission } from '../../src/engine/submission.ts';
import type { LimitAdmission } from '../../src/engine/admission.ts';
import { createFlowAccepter } from '../../src/engine/flow-accepter.ts';
import type { FlowRelease } from '../../src/engine/flow-release.ts';
import { createFlowSubmission } from '../../src/engine/flow-submission.ts';
import type { Recorder } from '../../src/engine/recorder.ts';
import type { QueueBindings } from '../../src/engine/task-queues.ts';
import { builtInHandlers, type Catalog } from '../../src/handlers/catalog.ts';
import type { Handler } from '../../src/handlers/handler.ts';
import { toHandler } from '../../src/handlers/registered.ts';
import { createLogger } from '../../src/log.ts';
import { encodeDirect, encodeTask } from '../../src/store/inserts.ts';
import type { ScheduleStore } from '../../src/store/schedules.ts';
import type { Sweeps } from '../../src/store/sweeps.ts';
import type { TaskStore } from '../../src/store/tasks.ts';
import { createEngine } from '../../src/wiring/engine.ts';
import { dependencies, executorDeps, byteBudget } from '../support/deps.ts';
import { assertNotified, assertSound, type Allowed } from './invariants.ts';
import { faultyDatabase, isFault, type DatabaseFaults } from './faulty-database.ts';

const START = 1_900_000_000_000;
const OWNER = 'local';
const QUEUE = 'default-medium';
const QUEUES = { sum: QUEUE, quick: QUEUE, work: 'worker-medium', hook: 'external-medium' };
const TIMEOUT_MS = { sum: 5_000, quick: 5_000, work: 40_000, hook: 20_000 };
export type Kind = keyof typeof TIMEOUT_MS;
const ROOT = 'the-root-secret-of-the-model';
/** How old the figures of a queue may be. */
const STALE_MS = 5_000;
const FAILURE_SINKS = '["failure_webhook"]';
/** Only two ids: most that goes wrong goes wrong between two writers of one row. */
export const IDS = ['0199b3c2-0000-7000-8000-000000000001', '0199b3c2-0000-7000-8000-000000000002'];

/**
 * How a mutant changes the engine; each part is what the real one would be, and returns what is
 * used instead.
 */
export interface Mutation {
  rewrite?: (sql: string) => string;
  /** What `rewrite` did not find in its statement. */
  misfit?: () => string | null;
  sweeps?: (real: Sweeps, database: D1Database, meanwhile: () => Promise<void>) => Sweeps;
  recorder?: (real: Recorder) => Recorder;
  admission?: (real: LimitAdmission, database: D1Database) => LimitAdmission;
  flowRelease?: (real: FlowRelease) => FlowRelease;
  /** What a trigger says instead. */
  trigger?: { name: string; from: string; to: string };
  alarmAfterInsert?: boolean;
  inserts?: (real: TaskStore['insertMany']) => TaskStore['insertMany'];
  forgetsKept?: boolean;
  /** What stands for the schedules' table, and for the submit of what they say. */
  schedules?: (real: ScheduleStore, now: () => number) => ScheduleStore;
  toScheduled?: (submission: Submission) => Submission;
  /** An end of a run counts for whatever attempt there is, or for whatever task. */
  settles?: 'any attempt' | 'any task';
}

interface QueueMessage {
  message: TaskMessage;
  visibleAt: number;
  /** A message that is retried stays as old as it is. */
  sentAt: number;
}

/** A handler that runs, and what the model may make of it. */
interface Execution {
  id: string;
  attempt: number;
  generation: number;
  end(how: 'complete' | 'fail'): void;
  /** Resolves when the delivery that runs it is over. */
  delivered: Promise<void>;
  /** Called when its end was written, or could not be. */
  recorded(): void;
}

/** Runs that workers remember. */
const MAX_LEASES = 6;

/** A type that is run outside. */
const buildOutside = (name: string, run: TypeDefinition['run']): Handler => ({
  ...toHandler({
    owner: OWNER,
    name,
    definition: JSON.stringify({ description: name, run }),
    paused_until: null,
    secret_version: 0,
    secret_rotated_at: null,
    created_at: 0,
    updated_at: 0,
    created_by_key: null,
  }),
  retry: { maxAttempts: 2, baseSeconds: 4, maxSeconds: 8 },
});
const OUTSIDE = {
  work: buildOutside('work', { worker: {} }),
  hook: buildOutside('hook', { endpoint: { url: 'https://hook.test/' } }),
};

const log = createLogger({ level: 'error', json: true });
const silent = { ...log, debug() {}, info() {}, warn() {}, error() {}, with: () => silent };

/**
 * The service's own engine over the real database, in a world whose time, queue, alarm, handlers
 * and faults the model commands. What a crash takes with it (everything in memory, and the
 * messages) goes; what is stored stays.
 */
export class World {
  now = START;
  alarmAt: number | null = null;
  messages: QueueMessage[] = [];
  /** Hints that a notification is owed. */
  notices: { key: DeliveryKey; visibleAt: number }[] = [];
  receiverIsUp = true;
  executions: Execution[] = [];
  /** Runs outside, as their workers know them: a crash of the service is none of theirs. */
  leases: RunKey[] = [];
  endpointAnswers: 'later' | 'now' | 'error' | 'busy' = 'later';
  readonly #ended: Execution[] = [];
  /** The last delivery of a message that named a task, and what it started. */
  readonly #delivering = new Map<string, { delivered: Promise<void>; started: Execution[] }>();
  sendFails = false;
  /** By how much the clock was put back; put right when the faults stop. */
  behindMs = 0;
  generation = 0;
  readonly accepted = new Set<string>();
  /** Answers that promised that nothing was stored. */
  readonly refused = new Set<string>();
  readonly created = new Set<string>();
  /** Attempts whose message was acknowledged by the delivery that ran them. */
  readonly acknowledged: { id: string; attempt: number }[] = [];
  readonly faults: DatabaseFaults = { fail: null, rewrite: (sql) => sql, afterward: () => {} };
  readonly #mutation: Mutation;
  #service: ReturnType<World['boot']>;
  /** The Dispatcher does not answer a consumer. */
  keepFails = false;
  /** What the storage of the Dispatcher has. */
  readonly kept = new Map<string, string>();
  #before: Task[] = [];
  #deliveriesBefore: Delivery[] = [];

  constructor(mutation: Mutation = {}) {
    this.#mutation = mutation;
    if (mutation.rewrite) this.faults.rewrite = mutation.rewrite;
    this.#service = this.boot();
  }

  /** The ids that tasks of this world may have. */
  ids: readonly string[] = IDS;

  static async empty(mutation?: Mutation): Promise<World> {
    await World.clear();
    return new World(mutation);
  }

  protected static async clear(): Promise<void> {
    await database.batch([
      database.prepare('DELETE FROM deliveries'),
      database.prepare('DELETE FROM tasks'),
      database.prepare('DELETE FROM queues'),
      database.prepare('DELETE FROM schedules'),
      database.prepare('DELETE FROM limits'),
      database.prepare('DELETE FROM limit_subs'),
      database.prepare('DELETE FROM flows'),
      database.prepare('DELETE FROM flow_edges'),
    ]);
  }

  /** The service's own engine, wired as it is in production, on what the model commands. */
  boot() {
    const generation = this.generation;
    const isDead = (): boolean => this.generation !== generation;
    const never = <T>(): Promise<T> => new Promise<T>(() => {});
    const now = (): number => this.now;

    const sendToQueue = async (keys: readonly DeliveryKey[]): Promise<void> => {
      if (isDead()) return never();
      if (!this.sendFails) for (const key of keys) this.notices.push({ key, visibleAt: this.now });
    };
    let told: { at: number; state: QueueMetrics } | null = null;
    const queue = {
      sendBatch: async (batch: Iterable<{ body: TaskMessage; delaySeconds?: number }>) => {
        if (isDead()) return never();
        if (this.sendFails) throw new Error('Too Many Requests');
        for (const { body, delaySeconds = 0 } of batch)
          this.messages.push({
            message: body,
            visibleAt: this.now + delaySeconds * 1_000,
            sentAt: this.now,
          });
      },
      // As stale as production's may be.
      metrics: async () => {
        if (told === null || this.now < told.at || this.now >= told.at + STALE_MS) {
          const oldest = Math.min(...this.messages.map(({ sentAt }) => sentAt));
          const state = {
            backlogCount: this.messages.length,
            backlogBytes: 0,
            oldestMessageTimestamp: new Date(oldest),
          };
          told = { at: this.now, state };
        }
        return told.state;
      },
    };
    const alarm = {
      getAlarm: async () => this.alarmAt,
      setAlarm: async (at: number | Date) => {
        if (!isDead()) this.alarmAt = Number(at);
      },
      deleteAlarm: async () => {
        if (!isDead()) this.alarmAt = null;
      },
    };
    const storage = {
      put: async (entries: Record<string, string>) => {
        if (isDead()) return never();
        for (const [key, text] of Object.entries(entries)) this.kept.set(key, text);
      },
      list: async () => (isDead() ? never() : new Map(this.kept)),
      delete: async (keys: string[]) => {
        if (isDead()) return never();
        for (const key of keys) this.kept.delete(key);
      },
    } as unknown as DurableObjectStorage;
    const [sum] = builtInHandlers;
    const scripted = sum && {
      ...sum,
      // A run that is tried first and given up would stand among the executions for ever.
      isPure: false,
      retry: { maxAttempts: 2, baseSeconds: 4, maxSeconds: 8 },
      run: ({ taskId, attempt }: { taskId: string; attempt: number }) =>
        this.#start(taskId, attempt, generation),
    };
    const quick = scripted && {
      ...scripted,
      isPure: true,
      run: ({ taskId: id, attempt }: { taskId: string; attempt: number }) => ({ attempt, id }),
    };
    const send = async (): Promise<DeliveryResult> =>
      this.receiverIsUp ? { kind: 'delivered' } : { kind: 'failed', error: 'down' };

    const bodies = {
      ...realBodies,
      put: async (...given: Parameters<typeof realBodies.put>) => {
        if (isDead()) return never<string>();
        const stub = await realBodies.put(...given);
        return isDead() ? never<string>() : stub;
      },
    };
    const largeBodies = createLargeBodies({
      bodies,
      budget: byteBudget,
      wait: async () => {},
      log: silent,
    });
    const { sweeps, recorder, admission, flowRelease } = this.#mutation;
    const { alarmAfterInsert = false, forgetsKept = false } = this.#mutation;
    const finishOne = async (): Promise<void> => this.finish(0, 'complete');
    const catalog: Catalog = {
      load: () => undefined,
      find: (_owner, type) =>
        ({ sum: scripted, quick, ...OUTSIDE })[type as keyof typeof OUTSIDE | 'sum' | 'quick'],
      list: () => [],
    };
    const engine = createEngine({
      db: faultyDatabase(database, this.faults, isDead),
      queues: { [QUEUE]: queue, [QUEUES.hook]: queue } as unknown as QueueBindings,
      catalog,
      dependencies,
      endpoints: {
        root: ROOT,
        rules: { allowedHosts: ['hook.test'] },
        fetch: async (_url, init) => (isDead() ? never() : this.#answer(init?.body as string)),
      },
      openFiles: () => executorDeps.forOwner().files,
      largeBodies,
      bodies,
      archive: null,
      ...(isSharded && { elsewhere: createElsewhere(IN_THE_SECOND) }),
      keepOwn: async (all) => all,
      countRequest: () => {},
      listeners: [createDeliveryListener(sendToQueue)],
      dispatcher: {
        ensureAlarmBy: (at) => clock.ensureAlarmBy(at),
        tryReserve: async () => true,
        keepRecordings: async (texts) => {
          if (this.keepFails) throw new Error('Network connection lost.');
          if (!forgetsKept) await kept.keep(texts);
          clock.noteOutage();
          await clock.ensureAlarmBy(now() + 1_000);
        },
        record: (recordings) => recordInGroups(copyJson(recordings)),
      },
      tryConsume: async () => true,
      countConflict: () => {},
      countFlowEnd: () => {},
      workflow: { createBatch: () => Promise.reject(new Error('none')) } as never,
      invalidate: async () => {},
      closeStreams: async () => {},
      removeLeftovers: async () => {},
      submitChild: executorDeps.submitChild,
      startTracing: () => (_, run) => run(),
      publishRuns: async () => ({ isWatched: false, shown: {} }),
      deliveries: {
        failureSinks: FAILURE_SINKS,
        sendToQueue,
        // Without a host: the gates of hosts are tested by themselves.
        sender: { mail: send, post: send, findUrl: () => null },
        publicUrl: '',
        countTry: () => {},
      },
      hasSearchIndex: false,
      longTaskMs: 30_000,
      computeCutoffs: () => ({ rules: [], otherwise: 0 }),
      pruneWhenFull: false,
      databaseLimitBytes: 10e9,
      maxUnfinished: Infinity,
      maxStoredBytes: Infinity,
      now,
      wait: async () => {},
      random: () => 0.5,
      log: silent,
      replace: {
        sweeps: (real) => sweeps?.(real, database, finishOne) ?? real,
        recorder: (real) => this.#observe(recorder?.(real) ?? real),
        admission: (real) => admission?.(real, database) ?? real,
        flowRelease: (real) => flowRelease?.(real) ?? real,
      },
    });
    const { dispatcherDeps, directRunner, consumer, commands, deliverer, work } = engine;
    const kept = createKeptRecordings({ ...dispatcherDeps, storage });
    const recordInGroups = createGroupRecorder(dispatcherDeps);
    const submissionDeps = {
      catalog,
      store: engine.store,
      uniqueTasks: engine.uniqueTasks,
      directRunner,
      ensureLimits: engine.limitCommands.ensure,
      largeBodies,
      accept: (tasks: Task[]) =>
        accepter.accept(tasks.map((task) => ({ task, row: encodeTask(task) }))),
      tryReserve: async () => true,
      outgoingRules: { allowedHosts: [] },
      secrets: dependencies.secrets,
      canSign: false,
      hasSearchIndex: false,
      now,
      log: silent,
    };
    const submission = createSubmission(submissionDeps);
    const { schedules = (real) => real, toScheduled = (same) => same } = this.#mutation;
    const scheduler = createScheduler({
      ...dispatcherDeps,
      schedules: schedules(engine.schedules, now),
      submit: (asked) => submission.submit(toScheduled(asked)),
      publicHost: '',
      countFirings: () => {},
      observeLateness: () => {},
    });
    const clock = createClock({
      ...dispatcherDeps,
      kept,
      alarm,
      fireSchedules: scheduler.fire,
    });
    const scheduleCommands = createScheduleCommands({
      schedules: engine.schedules,
      submission,
      ensureAlarmBy: clock.ensureAlarmBy,
      tickNow: clock.tick,
      now,
    });
    const { inserts = (real) => real } = this.#mutation;
    const insertMany = inserts(engine.store.insertMany);
    const insertThenAlarm: TaskStore['insertMany'] = async (...rows) => {
      const ids = await insertMany(...rows);
      await clock.ensureAlarmBy(now() + 5_000);
      return ids;
    };
    const accepter = createAccepter({
      ...dispatcherDeps,
      quota: { tryReserve: async () => true },
      store: { ...engine.store, insertMany: alarmAfterInsert ? insertThenAlarm : insertMany },
      noteOutage: clock.noteOutage,
      ensureAlarmBy: alarmAfterInsert ? async () => {} : clock.ensureAlarmBy,
    });
    const flowAccepter = createFlowAccepter({
      ...dispatcherDeps,
      quota: { tryReserve: async () => true },
      noteOutage: clock.noteOutage,
      ensureAlarmBy: clock.ensureAlarmBy,
    });
    const flowSubmission = createFlowSubmission({
      ...submissionDeps,
      flows: engine.flows,
      acceptFlow: flowAccepter.accept,
    });
    const { limitCommands, flowCommands } = engine;
    return {
      flowSubmission,
      flowCommands,
      accepter,
      directRunner,
      clock,
      consumer,
      commands,
      deliverer,
      work,
      scheduleCommands,
      limitCommands,
    };
  }

  // --- What the model commands
  // -------------------------------------------------------------------------------------

  async create(
    index: number,
    {
      delayMs,
      attempts,
      kind,
      limit,
      isWaited = false,
    }: {
      delayMs: number;
      attempts: number;
      kind: Kind;
      limit?: { key: string; subKey: string } | undefined;
      isWaited?: boolean;
    },
    dies: boolean,
  ): Promise<void> {
    const id = this.ids[index % this.ids.length] ?? '';
    if (this.created.has(id)) return;
    this.created.add(id);
    const scheduledAt = delayMs > 0 ? this.now + delayMs : null;
    const task = buildTask(
      {
        owner: OWNER,
        id,
        type: kind,
        queue: QUEUES[kind],
        limitKey: limit?.key,
        subKey: limit?.subKey,
        priority: 'MEDIUM',
        params: { a: 1, b: 2 },
        maxAttempts: attempts,
        timeoutMs: TIMEOUT_MS[kind],
        scheduledAt,
        callbackUrl: 'https://receiver.example/',
      },
      this.now,
    );
    const { directRunner } = this.#service;
    const born = isWaited ? await directRunner.begin(task) : null;
    const encoded = born
      ? { task, row: encodeDirect(task, born), direct: pickDirect(born) }
      : { task, row: encodeTask(task) };
    const crashed = dies ? this.#crashAfter('tasks.insert') : new Promise<never>(() => {});
    const answer = await Promise.race([
      crashed,
      this.#service.accepter.accept([encoded]).then(([acceptance]) => acceptance),
    ]);
    this.faults.afterward = () => {};
    if (answer === 'accepted' || answer === 'begun') this.accepted.add(id);
    if (answer === 'begun' && born?.completed_at === null) this.#runDirectly(born);
    if (answer === 'task_rejected' || answer === 'database_unavailable') this.refused.add(id);
    await settled();
  }

  /** Begins the run of a task for its caller; its execution ends as any other does. */
  #runDirectly(born: Task): void {
    let end = (): void => {};
    const delivered = new Promise<void>((resolve) => (end = resolve));
    this.#delivering.set(born.id, { delivered, started: [] });
    void this.#service.directRunner.run(born).then(end);
  }

  /** Delivers a message that is due; with `keep` it stays in the queue too, as a duplicate. */
  async deliver(index: number, keep: boolean): Promise<void> {
    const due = this.messages.filter(({ visibleAt }) => visibleAt <= this.now);
    const queued = due[index % Math.max(1, due.length)];
    if (!queued) return;
    const { message } = queued;
    if (!keep) this.messages.splice(this.messages.indexOf(queued), 1);
    const { generation } = this;
    const isCurrent = (): boolean => this.generation === generation;
    const before = this.executions.length;
    const started: Execution[] = [];
    const handle = {
      body: message,
      ack: () => {
        if (isCurrent())
          this.acknowledged.push(...started.map(({ id, attempt }) => ({ id, attempt })));
      },
      retry: ({ delaySeconds = 0 } = {}) => {
        if (isCurrent())
          this.messages.push({
            message,
            visibleAt: this.now + delaySeconds * 1_000,
            sentAt: queued.sentAt,
          });
      },
    } as unknown as Message<TaskMessage>;
    const delivered: Promise<void> = this.#service.consumer.consume([handle]);
    // Its tasks start turn by turn, perhaps beside those of others.
    for (const id of message.ids) this.#delivering.set(id, { delivered, started });
    const isOver = delivered.then(() => true);
    while (
      !(await Promise.race([isOver, tick()])) &&
      this.executions.length === before &&
      isCurrent()
    );
    // A message that names several starts them turn by turn.
    if (message.ids.length > 1) await settled();
  }

  /** A worker asks for a task; with `dies` it never hears the answer. */
  async lease(dies: boolean): Promise<void> {
    const { generation } = this;
    const leased = await this.#tryWork((work) => work.lease(OWNER, ['work'], 1));
    if (dies || this.generation !== generation) return;
    this.leases.push(...(leased ?? []).map(({ owner, id, attempt }) => ({ owner, id, attempt })));
    this.leases = this.leases.slice(-MAX_LEASES);
  }

  /** A run outside says that it goes on. */
  async renew(index: number): Promise<void> {
    const run = this.leases[index % Math.max(1, this.leases.length)];
    if (run) await this.#tryWork((work) => work.renew([run]));
  }

  /** A run outside ends; with `keep` its worker says so again some time. */
  async settle(index: number, how: 'complete' | 'fail', keep: boolean): Promise<void> {
    const run = this.leases[index % Math.max(1, this.leases.length)];
    if (!run) return;
    const end: RunEnd =
      how === 'complete'
        ? { kind: 'completed', result: { attempt: run.attempt, id: run.id, ...padOf(run.id) } }
        : { kind: 'failed', error: { message: 'on purpose' } };
    const settled = await this.#tryWork(async (work) =>
      work.settle([{ run: await this.#mistake(run), end }]),
    );
    // Whoever hears nothing says it again.
    if (!keep && settled) this.leases = this.leases.filter((each) => each !== run);
  }

  /** The run that an end is taken for, by a mutant. */
  async #mistake(run: RunKey): Promise<RunKey> {
    const { settles } = this.#mutation;
    if (settles === undefined) return run;
    const isIt = ({ id }: Task): boolean =>
      settles === 'any attempt' ? id === run.id : id !== run.id;
    const row = (await this.rows()).find(isIt);
    return row ? { ...run, id: row.id, attempt: row.attempt } : run;
  }

  async #tryWork<T>(act: (work: Work) => Promise<T>): Promise<T | null> {
    try {
      return await act(this.#service.work);
    } catch (error) {
      if (!isFault(error)) throw error;
      return null;
    }
  }

  /** The endpoint of the type `hook`. */
  async #answer(body: string): Promise<Response> {
    const {
      task_id: id,
      attempt,
      run_token,
    } = JSON.parse(body) as {
      task_id: string;
      attempt: number;
      run_token: string;
    };
    if (this.endpointAnswers === 'error') return new Response('down', { status: 500 });
    if (this.endpointAnswers === 'busy')
      return new Response('busy', { status: 503, headers: { 'Retry-After': '3' } });
    if (this.endpointAnswers === 'now') return Response.json({ attempt, id });
    const run = await readRunToken(ROOT, run_token);
    if (run) this.leases = [...this.leases, run].slice(-MAX_LEASES);
    return new Response(null, { status: 202, headers: { 'Tasker-Async': 'true' } });
  }

  /** Delivers a message of a delivery; the receiver takes it or does not. */
  async notify(index: number, isUp: boolean): Promise<void> {
    this.receiverIsUp = isUp;
    const due = this.notices.filter(({ visibleAt }) => visibleAt <= this.now);
    const notice = due[index % Math.max(1, due.length)];
    if (!notice) return;
    this.notices.splice(this.notices.indexOf(notice), 1);
    const { generation } = this;
    const retry = ({ delaySeconds = 0 } = {}): void => {
      if (this.generation === generation)
        this.notices.push({ key: notice.key, visibleAt: this.now + delaySeconds * 1_000 });
    };
    await this.#service.deliverer.consume([
      { body: notice.key, ack: () => {}, retry } as unknown as Message<DeliveryKey>,
    ]);
  }

  lose(index: number): void {
    if (this.notices.length > 0) this.notices.splice(index % this.notices.length, 1);
    if (this.messages.length > 0) this.messages.splice(index % this.messages.length, 1);
  }

  async finish(index: number, how: 'complete' | 'fail'): Promise<void> {
    const alive = this.executions.filter(({ generation }) => generation === this.generation);
    const execution = alive[index % Math.max(1, alive.length)];
    if (!execution) return;
    this.#ended.push(...this.executions.splice(this.executions.indexOf(execution), 1));
    const recorded = new Promise<void>((resolve) => (execution.recorded = resolve));
    execution.end(how);
    // Its message may name others, which still run.
    const isLast = !this.executions.some(({ delivered }) => delivered === execution.delivered);
    if (!isLast) return recorded;
    // Of two messages that name the same tasks the later one seems to run them: then the first does
    // not end with the last of those that seem to be its own.
    await Promise.race([execution.delivered, recorded.then(() => settled(TICKS))]);
  }

  /**
   * `kill -9`: what was in memory is gone. Messages go too (the local broker), or come back
   * (production's).
   */
  crash(losesMessages: boolean): void {
    this.generation += 1;
    if (losesMessages) this.notices = [];
    if (losesMessages) this.messages = [];
    else {
      for (const { id } of this.executions)
        this.messages.push({
          message: { v: MESSAGE_VERSION, owner: OWNER, ids: [id] },
          visibleAt: this.now,
          sentAt: this.now,
        });
    }
    this.executions = [];
    this.faults.fail = null;
    this.faults.afterward = () => {};
    this.#service = this.boot();
  }

  /** What people and the clock do with schedules. */
  get scheduling() {
    return this.#service;
  }

  /** What people do with limits. */
  get limits() {
    return this.#service.limitCommands;
  }

  /** What people do with flows. */
  get flowing() {
    return this.#service;
  }

  /** The alarm, if it is due. */
  async tick(): Promise<void> {
    if (this.alarmAt === null || this.alarmAt > this.now) return;
    this.alarmAt = null;
    await this.#service.clock.tick();
  }

  async command(
    verb: 'cancel' | 'pause' | 'resume' | 'retry' | 'remove',
    index: number,
  ): Promise<void> {
    const id = this.ids[index % this.ids.length] ?? '';
    try {
      await this.#service.commands[verb](OWNER, id, async () => true);
    } catch (error) {
      // Refusals are the contract; what the database failed at may or may not be done, and the
      // invariants look at it.
      if (!(error instanceof AppError) && !isFault(error)) throw error;
    }
    if (verb === 'remove' && !(await this.rows()).some((row) => row.id === id))
      this.accepted.delete(id);
  }

  async pauseQueue(): Promise<void> {
    await this.#service.commands.pauseQueue(QUEUE).catch(() => {});
  }

  async resumeQueue(dies = false): Promise<void> {
    const crashed = dies ? this.#crashAfter('delete from "queues"') : new Promise<never>(() => {});
    await Promise.race([crashed, this.#service.commands.resumeQueue(QUEUE).catch(() => {})]);
    this.faults.afterward = () => {};
  }

  // --- What must hold
  // ----------------------------------------------------------------------------------------------

  async rows(): Promise<Task[]> {
    return (await database.prepare('SELECT * FROM tasks').all<Task>()).results;
  }

  async deliveries(): Promise<Delivery[]> {
    return (await database.prepare('SELECT * FROM deliveries').all<Delivery>()).results;
  }

  async check(allowed: Allowed): Promise<void> {
    const [rows, deliveries] = await Promise.all([this.rows(), this.deliveries()]);
    assertSound(this, this.#before, rows, allowed);
    await assertBodies(rows);
    assertNotified(this, rows, this.#deliveriesBefore, deliveries, allowed);
    this.#before = rows;
    this.#deliveriesBefore = deliveries;
  }

  /**
   * Faults off: time passes, alarms go off, messages arrive, handlers succeed. All that is not
   * paused must end.
   */
  async quiesce(): Promise<void> {
    this.faults.fail = null;
    this.sendFails = false;
    this.endpointAnswers = 'now';
    this.now += this.behindMs;
    const paused = await database.prepare('SELECT 1 FROM queues').all();
    if (paused.results.length > 0) await this.resumeQueue();
    const isOpen = ({ status }: { status: Status }): boolean =>
      !isFinal(status) && status !== 'PAUSED';
    for (let round = 0; round < 200; round += 1) {
      while (this.executions.some(({ generation }) => generation === this.generation))
        await this.finish(0, 'complete');
      await this.lease(false);
      while (this.leases.length > 0) await this.settle(0, 'complete', false);
      const owed = (await this.deliveries()).filter(({ state }) => state === 'OPEN');
      if (!(await this.rows()).some(isOpen) && owed.length === 0) return;
      const pending = [...this.messages, ...this.notices].map(({ visibleAt }) => visibleAt);
      const next = Math.min(this.alarmAt ?? Infinity, ...pending);
      if (next === Infinity)
        throw new Error(
          `L1: nothing will ever look again at ${JSON.stringify([(await this.rows()).filter(isOpen), owed])}`,
        );
      this.now = Math.max(this.now, next);
      await this.tick();
      while (this.messages.some(({ visibleAt }) => visibleAt <= this.now))
        await this.deliver(0, false);
      while (this.notices.some(({ visibleAt }) => visibleAt <= this.now))
        await this.notify(0, true);
      await this.check({});
    }
    throw new Error(
      `L1: not final in 200 rounds: ${JSON.stringify((await this.rows()).filter(isOpen))}`,
    );
  }

  /**
   * Resolves when the service was killed right after a statement was carried out, before it heard
   * of it.
   */
  #crashAfter(statement: string): Promise<'crashed'> {
    return new Promise((resolve) => {
      this.faults.afterward = (sql) => {
        if (!sql.includes(statement)) return;
        this.crash(true);
        resolve('crashed');
      };
    });
  }

  /** The recorder, which tells executions that they were recorded. */
  #observe(recorder: Recorder): Recorder {
    return {
      forBatch: (...of) => {
        const batch = recorder.forBatch(...of);
        const record: typeof batch.record = async (task, outcome) => {
          const execution = this.#ended.findLast(
            ({ id, attempt }) => id === task.id && attempt === task.attempt,
          );
          return batch.record(task, outcome).finally(() => execution?.recorded());
        };
        return { ...batch, record };
      },
    };
  }

  #start(id: string, attempt: number, generation: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const end = (how: 'complete' | 'fail'): void =>
        how === 'complete'
          ? resolve({ attempt, list: [1, 2], ...padOf(id) })
          : reject(new Error('on purpose'));
      const delivery = this.#delivering.get(id);
      const execution = {
        id,
        attempt,
        generation,
        end,
        delivered: delivery?.delivered ?? Promise.resolve(),
        recorded: () => {},
      };
      delivery?.started.push(execution);
      this.executions.push(execution);
    });
  }
}

/** Of two databases: its owner lives in the one that it is looked for. */
const IN_THE_SECOND: ElsewhereDeps = {
  homes: {
    count: 2,
    findMany: async (owners) =>
      new Map(owners.map((owner) => [owner, { shard: 1, isMoving: false }])),
  },
  shard: 1,
  findShard: () => {
    throw new Error('Nobody lives elsewhere');
  },
};

const realBodies = createBodyStore(env.FILES, byteBudget);
/** Results of some tasks are too large for their rows. */
const padOf = (id: string): { pad?: string } =>
  Number.parseInt(id.slice(-1), 16) % 4 === 1 ? { pad: 'x'.repeat(17_000) } : {};
/** No row is without its body. */
const assertBodies = async (rows: readonly Task[]): Promise<void> => {
  for (const { owner, id, result } of rows) {
    const name = readStub(result)?.name;
    if (name !== undefined && !(await realBodies.has({ owner, id, name })))
      throw new Error(`I9: the result of ${id} is gone: ${name}`);
  }
};

/** As it crosses between Workers and objects. */
const copyJson = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

const tick = (): Promise<false> => new Promise((resolve) => setTimeout(() => resolve(false), 0));

/**
 * Lets what an answered caller does not wait for (the hand-over, the next group) come to its end.
 */
const settled = async (ticks = 3): Promise<void> => {
  for (let i = 0; i < ticks; i += 1) await tick();
};
/** In so many a delivery ends whose last task was recorded. */
const TICKS = 30;
