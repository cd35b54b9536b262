import type { LargeBodies } from '../../src/engine/large-bodies.ts';
import { createByteBudget } from '../../src/store/byte-budget.ts';
import type { QueueBindings } from '../../src/engine/task-queues.ts';
import { QUEUES } from '../../src/domain/routing.ts';
import type { CommittedTask, Task, TaskMessage } from '../../src/domain/task.ts';
import type { HandlerSecrets, HandlerDependencies, OwnTasks } from '../../src/handlers/handler.ts';
import { createLogger, type LogFields, type Logger } from '../../src/log.ts';

/** A log that keeps its lines instead of printing them. */
export const keepLog = () => {
  const lines: { event: string; fields: LogFields }[] = [];
  const keep = (event: string, fields: LogFields = {}) => void lines.push({ event, fields });
  const log: Logger = {
    ...createLogger({ level: 'error', json: true }),
    debug: keep,
    info: keep,
    warn: keep,
    error: keep,
    with: () => log,
  };
  return { log, lines, events: () => lines.map(({ event }) => event) };
};

/** Published tasks, kept. */
export const keepPublished = () => {
  const published: CommittedTask[] = [];
  return {
    published,
    publish: async (tasks: readonly CommittedTask[]) => void published.push(...tasks),
  };
};

/**
 * Queues that keep what is sent instead of delivering it (a stand-in: real ones deliver at once),
 * and say any backlog.
 */
export const keepQueues = () => {
  /** Every task that a message named. */
  const sent: (Pick<Task, 'owner' | 'id' | 'queue'> & { isolated?: true })[] = [];
  const messages: { body: TaskMessage; delaySeconds?: number }[] = [];
  const backlog = new Map<string, number>();
  const oldest = new Map<string, Date>();
  let broken: Error | 'hangs' | undefined;
  const queues = Object.fromEntries(
    QUEUES.map((queue) => [
      queue,
      {
        sendBatch: async (batch: { body: TaskMessage; delaySeconds?: number }[]) => {
          if (broken === 'hangs') return new Promise(() => {});
          if (broken) throw broken;
          messages.push(...batch);
          sent.push(
            ...batch.flatMap(({ body: { owner, ids, isolated } }) =>
              ids.map((id) => ({ owner, id, queue, ...(isolated && { isolated }) })),
            ),
          );
        },
        metrics: async () => ({
          backlogCount: backlog.get(queue) ?? 0,
          backlogBytes: 0,
          oldestMessageTimestamp: oldest.get(queue),
        }),
      },
    ]),
  ) as unknown as QueueBindings;
  return {
    queues,
    sent,
    messages,
    backlog,
    oldest,
    breakWith: (how: Error | 'hangs' | undefined) => void (broken = how),
  };
};

/** Providers that are not configured, and a mail that goes nowhere: for tests of other things. */
export const dependencies: HandlerDependencies = {
  fetch: () => Promise.reject(new Error('No network here')),
  secrets: {
    OPENAI_BASE_URL: '',
    OPENAI_DEFAULT_MODEL: '',
    OPENWEATHER_BASE_URL: '',
  } satisfies HandlerSecrets,
  sendMail: () => Promise.reject(new Error('No mail here')),
};

/** No task that an action could change. */
const noTasks: OwnTasks = {
  findMatching: () => ({
    count: async () => 0,
    act: async () => ({ matched: 0, changed: 0, next: null }),
  }),
};

/** Where nobody waits. */
export const noDirectRuns = { begin: async () => null, run: async () => null };

/** Where nothing is large. */
export const noLargeBodies: LargeBodies = {
  keepSubmitted: async (tasks) => tasks,
  keepResult: (_key, _attempt, result) => result,
  drop: async () => {},
  loadMany: async (rows) => [...rows],
  hold: () => Promise.reject(new Error('No large bodies here')),
};

/** What an executor needs besides its handlers. */
export const executorDeps = {
  dependencies,
  forOwner: () => ({
    files: { open: async () => null, save: () => Promise.reject(new Error('No files here')) },
    tasks: noTasks,
  }),
  callEndpoint: () => Promise.reject(new Error('No endpoints here')),
  countRequest: () => {},
  runSteps: { read: async () => [], save: async () => [] },
  submitChild: () => Promise.reject(new Error('No children here')),
  fillAtRun: () => Promise.reject(new Error('No flows here')),
  holdParams: noLargeBodies.hold,
  pauseLimit: async () => {},
  now: Date.now,
  wait: async () => {},
};

/** A run that nobody hears. */
export const silentRun = {
  output: () => {},
  log: () => {},
  saveCheckpoint: () => {},
};

/** What a handler says and keeps, for handlers that do neither. */
export const silentContext = {
  log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
  output: () => {},
  saveCheckpoint: () => {},
  step: async <Result>(_name: string, work: () => Result | Promise<Result>) => work(),
  submit: () => Promise.reject(new Error('No children here')),
};

/** Buffers for uploads, as the service has them. */
export const byteBudget = createByteBudget({
  now: Date.now,
  wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
});

/** What there is where no task has a limit. */
export const noLimits = {
  admission: { admit: async () => [], admitAfter: async () => {} },
  admissions: { pruneSubs: async () => null },
  limits: { findKeys: async () => ({ keys: [], hasMore: false }) },
};
