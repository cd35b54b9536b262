import { createEndpointTester } from '../deliveries/endpoint-tester.ts';
import { toFlowDetail } from '../domain/flow-view.ts';
import { computeCutoffs } from '../domain/retention.ts';
import { isStored, type Acceptance } from '../engine/accept-wire.ts';
import { createScheduleListener } from '../engine/schedule-listener.ts';
import { catalog as builtIn } from '../handlers/catalog.ts';
import { createRegistry } from '../handlers/registry.ts';
import { createTaskTypeStore } from '../store/task-types.ts';
import { createOwnerStore } from '../store/owners.ts';
import type { Task, TaskSummaryRow } from '../domain/task.ts';
import { selectHead } from '../store/bodies.ts';
import { createDispatcherClient } from './dispatcher-client.ts';
import { startTracing } from './trace-run.ts';
import { createElsewhere } from '../engine/elsewhere.ts';
import { createEngine, type Engine } from './engine.ts';
import { createHttp } from './http.ts';
import { createLive } from './live.ts';
import { createPlatform } from './platform.ts';
import { createShared, createStoreAccess, type Shared } from './shared.ts';
import { createStorage } from './storage.ts';

/** Bindings -> the objects that each room needs, for the owners of one shard. */
const createServices = (env: Env, shard: number, shared: Shared) => {
  const platform = createPlatform(env, shard);
  const { db, settings, log, now, wait, random, queues, sendMail } = platform;
  const dispatcher = createDispatcherClient(platform);
  const owners = createOwnerStore(db);
  const storage = createStorage(platform, owners, shared.budget);
  const { files, bodies, largeBodies } = storage;
  const catalog = createRegistry({ builtIn, getMany: createTaskTypeStore(db).getMany, now });
  const live = createLive(platform, catalog, owners);
  const { boards, cache, metrics, outgoingRules: rules } = live;
  const endpoints = { root: settings.ROOT_SECRET, rules, fetch: platform.fetch };

  const tryConsume = async (owner: string): Promise<boolean> =>
    (await env.RATE_METERED.limit({ key: `owner:${owner}` })).success;

  const { homes } = shared;
  const findShard = (n: number): Engine['plain'] => getServices(env, n).plain;
  const engine = createEngine({
    db,
    ...(homes.count > 1 && { elsewhere: createElsewhere({ homes, shard, findShard }) }),
    queues,
    catalog,
    dependencies: { fetch: platform.fetch, secrets: settings, sendMail },
    endpoints,
    largeBodies,
    bodies,
    keepOwn: async (all) => {
      const found = await homes.findMany(all.map(({ owner: each }) => each));
      return all.filter(({ owner: each }) => {
        const home = found.get(each);
        return home?.shard === shard && !home.isMoving;
      });
    },
    archive: settings.ARCHIVE ? storage.archive : null,
    openFiles: storage.openFiles,
    countRequest: live.countRequest,
    listeners: [...live.listeners, createScheduleListener({ ...dispatcher, now })],
    dispatcher,
    tryConsume,
    workflow: env.LONG_TASKS,
    invalidate: cache.invalidate,
    closeStreams: boards.closeStreams,
    removeLeftovers: storage.removeLeftovers,
    submitChild: (parent, n, child) => http.children.submitForHandler(parent, n, child),
    startTracing,
    publishRuns: boards.publishRuns,
    deliveries: live.deliveries,
    countConflict: metrics.countConflict,
    countFlowEnd: metrics.countFlow,
    hasSearchIndex: settings.SEARCH_INDEX === 'params',
    longTaskMs: settings.LONG_TASK_SECONDS * 1_000,
    computeCutoffs: (at) => computeCutoffs(settings.RETENTION, settings.RETENTION_DAYS, at),
    pruneWhenFull: settings.PRUNE_WHEN_FULL,
    databaseLimitBytes: settings.DATABASE_LIMIT_BYTES,
    maxUnfinished: settings.MAX_UNFINISHED_TASKS,
    maxStoredBytes: settings.MAX_STORED_MB * 1e6,
    now,
    wait,
    random,
    log,
  });
  const { dispatcherDeps, ...parts } = engine;
  const countAccepted = async (
    tasks: Task[],
    accept: (tasks: Task[]) => Promise<Acceptance[]>,
  ): Promise<Acceptance[]> => {
    const acceptances = await accept(tasks);
    metrics.countSubmits(tasks.filter((_, i) => isStored(acceptances[i])));
    return acceptances;
  };
  const http = createHttp(platform, engine, live, {
    keys: shared.keys,
    apiKeyCache: shared.apiKeyCache,
    catalog,
    largeBodies,
    accept: (tasks, born) => countAccepted(tasks, (all) => dispatcher.accept(all, born)),
    acceptFlow: async (flow) => {
      const answer = await dispatcher.acceptFlow(flow);
      if (answer !== 'accepted') return answer;
      metrics.countFlow();
      metrics.countSubmits(flow.tasks);
      return answer;
    },
    tryReserve: dispatcher.tryReserve,
    tryConsume,
    ensureAlarmBy: dispatcher.ensureAlarmBy,
    tickNow: dispatcher.tickNow,
  });

  return {
    ...parts,
    ...http,
    shard,
    homes: shared.homes,
    shardStore: shared.shardStore,
    useStore: createStoreAccess(db),
    /** Of what is not an owner's: in the first database. */
    useFirst: shared.useFirst,
    useReplica: createStoreAccess(platform.replica),
    settings,
    log,
    now,
    wait,
    catalog,
    registry: catalog,
    builtInTypes: builtIn.list(''),
    outgoingRules: rules,
    testEndpoint: createEndpointTester({ ...endpoints, now }),
    files,
    bodies,
    largeBodies,
    archive: storage.archive,
    writeLines: storage.writeLines,
    budget: shared.budget,
    dispatcher,
    boards,
    sendDeliveries: live.deliveries.sendToQueue,
    cache,
    findTtlSeconds: live.findTtlSeconds,
    metrics,
    dispatcherDeps: {
      ...dispatcherDeps,
      publicHost: http.publicHost,
      submitBy: (accept: Parameters<typeof http.submitBy>[0]) =>
        http.submitBy((tasks) => countAccepted(tasks, accept)),
      countFirings: metrics.countFirings,
      observeLateness: metrics.observeLateness,
      flushCounts: metrics.flush,
      publish: async (tasks: Parameters<typeof dispatcherDeps.publish>[0]) => {
        await Promise.all([metrics.flushOld(), dispatcherDeps.publish(tasks)]);
      },
    },
    readForBoard: {
      getMany: engine.store.getMany,
      findNewest: async (owner: string, limit: number) =>
        (await engine.search.find<TaskSummaryRow>(selectHead, owner, {}, { limit })).tasks,
      readFlow: async (owner: string, id: string) => {
        const rows = await engine.flows.read(owner, id);
        return rows && toFlowDetail(rows);
      },
    },
  };
};

export type Services = ReturnType<typeof createServices>;

const shareds = new WeakMap<Env, Shared>();
const services = new WeakMap<Env, Map<number, Services>>();

const getShared = (env: Env): Shared => {
  const found = shareds.get(env) ?? createShared(env);
  shareds.set(env, found);
  return found;
};

/** The services for the owners of a shard, made at the first call. */
export const getServices = (env: Env, shard = 0): Services => {
  const known = services.get(env) ?? new Map<number, Services>();
  services.set(env, known);
  const found = known.get(shard) ?? createServices(env, shard, getShared(env));
  known.set(shard, found);
  return found;
};

/** Of every shard, the first one first. */
export const getAllServices = (env: Env): Services[] =>
  Array.from({ length: getShared(env).homes.count }, (_, shard) => getServices(env, shard));

/** The services for this owner. */
export const findServices = async (env: Env, owner: string): Promise<Services> =>
  getServices(env, (await getShared(env).homes.find(owner)).shard);
