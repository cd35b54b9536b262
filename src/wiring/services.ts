import { waitUntil } from 'cloudflare:workers';
import { createMetricsListener } from '../metrics/listener.ts';
import { METRICS } from '../metrics/metrics.ts';
import { createMetricsBuffer } from '../metrics/buffer.ts';
import { createPublisher } from '../engine/publisher.ts';
import { createBoards } from '../live/boards.ts';
import {
  createCacheListener,
  createDeliveryListener,
  createLogListener,
} from '../live/listener.ts';
import { createWebhookSender } from '../deliveries/webhook.ts';
import { createOutputCache } from '../cache/output-cache.ts';
import { createUpstashBackend } from '../cache/upstash.ts';
import { createWorkersCacheBackend } from '../cache/workers-cache.ts';
import type { DeliverySink } from '../domain/delivery.ts';
import { MAX_FILE_BYTES } from '../domain/file-name.ts';
import type { OutgoingRules } from '../domain/outgoing.ts';
import { RATES } from '../domain/rates.ts';
import type { Task } from '../domain/task.ts';
import type { Acceptance } from '../engine/accepter.ts';
import { createBulk } from '../engine/bulk.ts';
import { createCommands } from '../engine/commands.ts';
import { createConsumer } from '../engine/consumer.ts';
import { createDeliverer, createDeliveryQueue } from '../deliveries/deliverer.ts';
import { createDeliverySender } from '../deliveries/sender.ts';
import { dispatcherName } from '../engine/dispatcher.ts';
import { createExecutor } from '../engine/executor.ts';
import { createApiKeyCache } from '../access/api-key-cache.ts';
import { createRateLimiter } from '../access/rate-limiter.ts';
import { createLongRunner, createLongTasks } from '../engine/long-tasks.ts';
import { createRunner } from '../engine/runner.ts';
import { createTaskQueues, type QueueBindings } from '../engine/task-queues.ts';
import { createQuota } from '../engine/quota.ts';
import { createRecorder } from '../engine/recorder.ts';
import type { Files, HandlerDependencies, SendMail } from '../handlers/handler.ts';
import type { CountRequest } from '../handlers/provider-fetch.ts';
import { findHandler } from '../handlers/catalog.ts';
import { createLogger } from '../log.ts';
import { readSettings } from '../settings.ts';
import { createCounts } from '../store/counts.ts';
import { createDeliveryStore } from '../store/deliveries.ts';
import { createFileStore, type FileStore } from '../store/files.ts';
import { createKeyStore } from '../store/keys.ts';
import { createLeases } from '../store/leases.ts';
import { createQueueStore } from '../store/queues.ts';
import { createTaskSearch } from '../store/search.ts';
import { createSweeps } from '../store/sweeps.ts';
import { createTaskStore, encodeTask } from '../store/tasks.ts';
import { createTransitions } from '../store/transitions.ts';

/** The policy of a type that no longer exists: its tasks fail for good anyway. */
const NO_RETRY = { maxAttempts: 1, baseSeconds: 1, maxSeconds: 1 };

const queuesOf = (env: Env): QueueBindings => ({
  'default-high': env.QUEUE_DEFAULT_HIGH,
  'default-medium': env.QUEUE_DEFAULT_MEDIUM,
  'default-low': env.QUEUE_DEFAULT_LOW,
  'external-high': env.QUEUE_EXTERNAL_HIGH,
  'external-medium': env.QUEUE_EXTERNAL_MEDIUM,
  'external-low': env.QUEUE_EXTERNAL_LOW,
});

/** A task reads and writes its owner's files alone; what it writes may be larger than what is uploaded. */
const filesOf = (files: FileStore, owner: string): Files => ({
  open: async (name) => {
    const found = await files.open(owner, name);
    return found && { body: found.body, bytes: found.info.bytes, etag: found.info.etag };
  },
  save: (name, content, contentType) =>
    files.save(owner, name, content, { contentType, maxBytes: 4 * MAX_FILE_BYTES }),
});

/** Bindings -> the objects that each room needs, wired once for all entries. */
const createServices = (env: Env) => {
  const settings = readSettings(env);
  const log = createLogger({
    level: settings.LOG_LEVEL,
    json: settings.LOG_JSON,
    fields: { app: 'tasker', env: settings.APP_ENV },
  });
  const now = (): number => Date.now();
  const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  const isDevelopment = process.env.NODE_ENV === 'development';

  const store = createTaskStore(env.DB);
  const keys = createKeyStore(env.DB);
  const search = createTaskSearch(env.DB);
  const failureSinks: DeliverySink[] = [
    ...(settings.FAILURE_WEBHOOK_URL ? ['failure_webhook' as const] : []),
    ...(settings.FAILURE_EMAIL_TO ? ['failure_email' as const] : []),
  ];
  const failureSinksJson = failureSinks.length > 0 ? JSON.stringify(failureSinks) : null;
  const transitions = createTransitions(env.DB, failureSinksJson);
  const { UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN } = settings;
  const upstash =
    UPSTASH_REDIS_REST_URL && UPSTASH_REDIS_REST_TOKEN
      ? { url: UPSTASH_REDIS_REST_URL, token: UPSTASH_REDIS_REST_TOKEN }
      : null;
  const backend = upstash
    ? createUpstashBackend(upstash)
    : createWorkersCacheBackend({ isDevelopment });
  const metrics = () => env.METRICS.getByName(METRICS);
  const buffer = createMetricsBuffer({
    send: async (tally) => metrics().add(tally),
    waitUntil,
    wait,
    now,
    log,
  });
  const countLook = (isHit: boolean): void =>
    buffer.count(isHit ? 'tasker_cache_hits_total' : 'tasker_cache_misses_total');
  const cache = createOutputCache(backend, { log, now, count: countLook });
  const ttlSecondsOf = (type: string): number =>
    findHandler(type)?.cacheTtlSeconds ?? settings.CACHE_TTL_SECONDS;

  const boards = createBoards(env.BOARD, log);
  // Labels come from the registry alone.
  const nameOf = (type: string): string => findHandler(type)?.type ?? 'unknown';
  // A cache that only this data centre sees is filled by whoever reads.
  const cacheSinks = cache.shared
    ? [createCacheListener({ setMany: cache.setMany, ttlSecondsOf })]
    : [];
  const sendDeliveries = createDeliveryQueue({ queue: env.QUEUE_DELIVERIES, log });
  const publish = createPublisher({
    sinks: [
      boards.sink,
      ...cacheSinks,
      createDeliveryListener(sendDeliveries),
      createMetricsListener(buffer, nameOf),
      createLogListener(log),
    ],
    log,
  });

  const taskQueues = createTaskQueues({ queues: queuesOf(env), log });
  const policyOf = (type: string) => findHandler(type)?.retry ?? NO_RETRY;
  const recorder = createRecorder({
    transitions,
    store,
    publish,
    policyOf,
    now,
    random: Math.random,
    wait,
    log,
  });
  const files = createFileStore(env.FILES);
  const sendMail: SendMail = async (mail) => env.EMAIL.send(mail as EmailMessageBuilder);
  const world = {
    fetch: (input, init) => fetch(input, init),
    secrets: settings,
    sendMail,
  } satisfies HandlerDependencies;
  const countRequest: CountRequest = (type, status, duration_ms) => {
    buffer.count('tasker_external_api_requests_total', { task_name: type, status });
    log.debug('provider_request', { task_name: type, status, duration_ms });
  };
  const dispatcher = () => {
    const hint = settings.LOCATION_HINT;
    return env.DISPATCHER.getByName(dispatcherName(), hint ? { locationHint: hint } : {});
  };
  const ensureAlarmBy = async (at: number): Promise<void> => dispatcher().ensureAlarmBy(at);
  const longTasks = createLongTasks({ workflow: env.LONG_TASKS, log });
  const longTaskMs = settings.LONG_TASK_SECONDS * 1_000;
  const queueStore = createQueueStore(env.DB);
  const commands = createCommands({
    transitions,
    store,
    queues: queueStore,
    ensureAlarmBy,
    taskQueues,
    publish,
    forget: cache.delete,
    closeStreams: boards.end,
    longTasks,
    longTaskMs,
    now,
    log,
  });

  const tasksOf = createBulk({
    search,
    commands,
    typeOf: (name) => findHandler(name)?.type ?? name,
    isMetered: (type) => findHandler(type)?.isMetered ?? false,
    tryConsume: async (owner) => (await env.RATE_METERED.limit({ key: `owner:${owner}` })).success,
    tryReserve: async (owner, count) => dispatcher().tryReserve(owner, count),
  });
  const ownedBy = (owner: string) => ({ files: filesOf(files, owner), tasks: tasksOf(owner) });
  const executor = createExecutor({ findHandler, world, ownedBy, countRequest, log });
  const runner = () =>
    createRunner({
      executor,
      publish: boards.publishProgress,
      leases: createLeases(env.DB),
      now,
      log,
    });
  const consumer = createConsumer({
    transitions,
    runner,
    recorder,
    taskQueues,
    longTasks,
    longTaskMs,
    publish,
    now,
    log,
  });

  const outgoingRules: OutgoingRules = {
    allowedHosts: isDevelopment ? settings.CALLBACK_HOSTS : [],
  };
  const deliveries = createDeliveryStore(env.DB);
  const webhooks = createWebhookSender({
    secrets: settings.WEBHOOK_SECRETS,
    rules: outgoingRules,
    fetch: world.fetch,
    now,
  });
  const countTry = (sink: DeliverySink, outcome: string): void =>
    buffer.count('tasker_notifications_total', { sink, outcome });
  const sendDelivery = createDeliverySender({ webhooks, sendMail, settings });
  const retentionMs = settings.RETENTION_DAYS * 24 * 3_600_000;

  const announceAndCount: typeof publish = async (tasks) => {
    await publish(tasks);
    buffer.flushSoon();
  };

  return {
    settings,
    log,
    now,
    flushCounts: buffer.flush,
    flushCountsSoon: buffer.flushSoon,
    isDevelopment,
    store,
    search,
    counts: createCounts(env.DB),
    metrics: {
      totals: async () => metrics().totals(),
      minutesOf: async (owner: string, minutes: number, to: number) =>
        metrics().minutesOf(owner, minutes, to),
      openStreams: async (at: number) => metrics().openStreams(at),
    },
    keys,
    apiKeyCache: createApiKeyCache({ store: keys, now }),
    cache,
    ttlSecondsOf,
    consumer,
    deliveries,
    deliverer: createDeliverer({
      deliveries,
      store,
      send: sendDelivery,
      countTry,
      now,
      random: Math.random,
      log,
    }),
    outgoingRules,
    files,
    longRunner: createLongRunner({ store, runner, recorder, taskQueues, log }),
    commands,
    queueStore,
    taskQueues,
    dispatcher: {
      accept: async (tasks: Task[]) => {
        const answers = await dispatcher().accept(tasks.map(encodeTask).join('\n'));
        return answers.split(',') as Acceptance[];
      },
      tryReserve: async (owner: string) => dispatcher().tryReserve(owner),
      tickNow: async () => dispatcher().tickNow(),
      isAccepting: async () => dispatcher().isAccepting(),
    },
    rates: {
      writes: createRateLimiter({ limiter: env.RATE_WRITES, weight: RATES.writes.weight, now }),
      metered: env.RATE_METERED,
    },
    boards,
    dispatcherDeps: {
      store,
      sweeps: createSweeps(env.DB, failureSinksJson),
      retentionMs,
      taskQueues,
      quota: createQuota({
        countUnfinished: store.countUnfinished,
        maxUnfinished: settings.MAX_UNFINISHED_TASKS,
        now,
      }),
      sendDeliveries,
      publish: announceAndCount,
      now,
      wait,
      log,
    },
    boardDeps: {
      getMany: store.getMany,
      newest: async (owner: string, limit: number) =>
        (await search.page(owner, {}, { limit })).tasks,
      countStreams: async (owner: string, count: number) =>
        metrics().subscribers(owner, count, now()),
      now,
    },
  };
};

export type Services = ReturnType<typeof createServices>;

const wired = new WeakMap<Env, Services>();

/** The services of this environment, made at the first call. */
export const servicesOf = (env: Env): Services => {
  const services = wired.get(env) ?? createServices(env);
  wired.set(env, services);
  return services;
};
