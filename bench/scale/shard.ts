import type { CommitListener } from '../../src/domain/commit-listener.ts';
import { buildTask } from '../../src/domain/new-task.ts';
import type { Task, TaskMessage } from '../../src/domain/task.ts';
import { createAccepter } from '../../src/engine/accepter.ts';
import { createClock } from '../../src/engine/clock.ts';
import type { QueueBindings } from '../../src/engine/task-queues.ts';
import { catalog } from '../../src/handlers/catalog.ts';
import type { HandlerDependencies } from '../../src/handlers/handler.ts';
import { encodeTask } from '../../src/store/inserts.ts';
import { timeDatabase } from '../../src/store/timed-database.ts';
import { createEngine } from '../../src/wiring/engine.ts';
import type { Assumptions } from './assumptions.ts';
import { createDatabase } from './database.ts';
import type { VirtualTime } from './virtual-time.ts';

const nothing = async (): Promise<void> => {};
const log = {
  debug: () => {},
  has: () => false,
  info: () => {},
  warn: () => {},
  error: () => {},
  with: () => log,
};
const dependencies = {
  fetch: () => Promise.reject(new Error('No network here')),
  secrets: { OPENAI_BASE_URL: '', OPENAI_DEFAULT_MODEL: '', OPENWEATHER_BASE_URL: '' },
  sendMail: () => Promise.reject(new Error('No mail here')),
} as unknown as HandlerDependencies;

/** An object: one call after the other, at its rate, after the way there and back. */
const createObject = (time: VirtualTime, { objectWayMs, objectCallsASecond }: Assumptions) => {
  let freeAt = 0;
  let calls = 0;
  return {
    count: (): number => calls,
    async call<Answer>(work: () => Promise<Answer>): Promise<Answer> {
      calls += 1;
      await time.wait(objectWayMs / 2);
      freeAt = Math.max(freeAt, time.now()) + 1_000 / objectCallsASecond;
      await time.wait(freeAt - time.now());
      const answer = await work();
      await time.wait(objectWayMs / 2);
      return answer;
    },
  };
};

/** Ids given so far, by all shards: no two are the same. */
let ids = 0;

/** The engine of one database as it is, on the simulated platform. */
export const createShard = (
  time: VirtualTime,
  assumed: Assumptions,
  random: () => number,
  queues: QueueBindings,
  onEnd: (task: Pick<Task, 'id' | 'status'>) => void,
) => {
  const now = (): number => Math.floor(time.now());
  const wait = (ms: number): Promise<void> => time.wait(ms === 0 ? assumed.turnMs : ms);
  const database = createDatabase(time, assumed, random);
  const object = createObject(time, assumed);
  const listener: CommitListener = {
    name: 'simulation',
    onCommit: async (tasks) => {
      for (const task of tasks) if (task.completed_at !== null) onEnd(task);
    },
  };
  let alarmAt: number | null = null;
  const alarm = {
    getAlarm: async () => alarmAt,
    setAlarm: async (at: number | Date) => {
      const when = Number(at);
      alarmAt = when;
      void time.wait(when - time.now()).then(() => {
        if (alarmAt !== when) return;
        alarmAt = null;
        return clock.tick();
      });
    },
    deleteAlarm: async () => {
      alarmAt = null;
    },
  };
  const engine = createEngine({
    db: timeDatabase(database.d1),
    queues,
    catalog,
    dependencies,
    endpoints: { root: '', rules: { allowedHosts: [] }, fetch: dependencies.fetch },
    largeBodies: {
      keepSubmitted: async (tasks) => tasks,
      keepResult: (_key, _attempt, result) => result,
      drop: nothing,
      loadMany: async (rows) => [...rows],
      hold: () => Promise.reject(new Error('Nothing is large here')),
    },
    bodies: {
      list: async () => ({ bodies: [], next: undefined }),
      removeMany: nothing,
      open: async () => null,
    },
    keepOwn: async (all) => all,
    archive: null,
    openFiles: () => ({
      open: async () => null,
      save: () => Promise.reject(new Error('No files')),
    }),
    countRequest: () => {},
    listeners: [listener],
    dispatcher: {
      ensureAlarmBy: (at) => object.call(() => clock.ensureAlarmBy(at)),
      tryReserve: async () => true,
      keepRecordings: nothing,
      record: () => Promise.reject(new Error('Nobody waits')),
    },
    tryConsume: async () => true,
    workflow: { createBatch: () => Promise.reject(new Error('No workflows')) } as never,
    invalidate: nothing,
    closeStreams: nothing,
    removeLeftovers: nothing,
    submitChild: () => Promise.reject(new Error('No children')),
    startTracing: () => (_, run) => run(),
    publishRuns: async () => ({ isWatched: false, shown: {} }),
    deliveries: {
      failureSinks: null,
      sendToQueue: nothing,
      sender: { mail: nothing, post: nothing, findUrl: () => null } as never,
      publicUrl: '',
      countTry: () => {},
    },
    countConflict: () => {},
    countFlowEnd: () => {},
    hasSearchIndex: true,
    longTaskMs: 30_000,
    computeCutoffs: () => ({ rules: [], otherwise: 0 }),
    pruneWhenFull: false,
    databaseLimitBytes: assumed.databaseBytes,
    maxUnfinished: Infinity,
    maxStoredBytes: Infinity,
    now,
    wait,
    random,
    log,
  });
  const { dispatcherDeps } = engine;
  const clock = createClock({
    ...dispatcherDeps,
    kept: { flush: async () => false },
    alarm,
    fireSchedules: async () => false,
  });
  const accepter = createAccepter({
    ...dispatcherDeps,
    quota: { tryReserve: async () => true },
    noteOutage: clock.noteOutage,
    ensureAlarmBy: clock.ensureAlarmBy,
  });
  return {
    database,
    object,
    consume: (messages: Message<TaskMessage>[]) => engine.consumer.consume(messages),
    /** Submits so many sums of an owner by one call; returns those that were accepted. */
    async submit(owner: string, count: number): Promise<Task[]> {
      const tasks = Array.from({ length: count }, () => {
        ids += 1;
        const id = `${now().toString(16).padStart(12, '0')}${ids.toString(16).padStart(20, '0')}`;
        return buildTask(
          {
            owner,
            id: id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
            type: 'sum',
            queue: 'default-medium',
            priority: 'MEDIUM',
            params: { a: ids, b: 1 },
            maxAttempts: 3,
            timeoutMs: 5_000,
          },
          now(),
        );
      });
      const answers = await object.call(() =>
        accepter.accept(tasks.map((task) => ({ task, row: encodeTask(task) }))),
      );
      return tasks.filter((_, i) => answers[i] === 'accepted');
    },
  };
};

export type Shard = ReturnType<typeof createShard>;
