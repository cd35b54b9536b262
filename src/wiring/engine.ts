import { createEndpointCaller } from '../deliveries/endpoint.ts';
import { createPlanner } from '../deliveries/plan.ts';
import { createBatchRunner } from '../engine/batch-runner.ts';
import { createBulk } from '../engine/bulk.ts';
import { createCommands } from '../engine/commands.ts';
import { createConsumer } from '../engine/consumer.ts';
import { createExecutor } from '../engine/executor.ts';
import { createLongTaskRunner, createLongTasks } from '../engine/long-tasks.ts';
import { createPublisher } from '../engine/publisher.ts';
import { createPurge } from '../engine/purge.ts';
import { createTaskQueues } from '../engine/task-queues.ts';
import { createRunJournal } from '../engine/run-journal.ts';
import { startTaskRunner } from '../engine/task-runner.ts';
import { createDelivering } from './delivering.ts';
import { createFlows } from './flows.ts';
import { createLimits } from './limits.ts';
import { createOutside } from './outside.ts';
import { createRecording } from './recording.ts';
import { createRoom } from './room.ts';
import { loadOutsideRuns, loadTaskSearch, loadTaskStore, loadTransitions } from './whole-rows.ts';
import type { EngineDeps } from './engine-deps.ts';
import { createDeliveryStore } from '../store/deliveries.ts';
import { createDeliveryGateStore } from '../store/delivery-gates.ts';
import { createLeaseStore } from '../store/leases.ts';
import { createOutsideRuns } from '../store/outside-runs.ts';
import { createOwnerStore } from '../store/owners.ts';
import { createRunLogs } from '../store/run-logs.ts';
import { createQueueStore } from '../store/queues.ts';
import { createTaskSearch } from '../store/search.ts';
import { createRunSteps } from '../store/run-steps.ts';
import { createScheduleStore } from '../store/schedules.ts';
import { createSentTaskStore } from '../store/sent-tasks.ts';
import { createSweeps } from '../store/sweeps.ts';
import { createTaskTypeStore } from '../store/task-types.ts';
import { createTaskStore } from '../store/tasks.ts';
import { createTransitions } from '../store/transitions.ts';

/** The engine of one database: its stores, and everything that moves a task through its life. */
export const createEngine = (deps: EngineDeps) => {
  const { db, catalog, dispatcher, deliveries, replace = {}, longTaskMs, now, wait, log } = deps;
  const { failureSinks } = deliveries;
  const { loadMany, keepResult, hold: holdParams } = deps.largeBodies;
  const store = loadTaskStore(createTaskStore(db), loadMany);
  const search = loadTaskSearch(createTaskSearch(db), loadMany);
  const queueStore = createQueueStore(db);
  const deliveryStore = createDeliveryStore(db);
  const gates = createDeliveryGateStore(db);
  const plainLeases = createLeaseStore(db);
  const leases = deps.elsewhere?.forLeases(plainLeases) ?? plainLeases;
  const owners = createOwnerStore(db);
  const runLogs = createRunLogs(db);
  const runSteps = createRunSteps(db);
  const plainTransitions = createTransitions(db, failureSinks);
  const transitions = loadTransitions(
    deps.elsewhere?.forTransitions(plainTransitions) ?? plainTransitions,
    loadMany,
  );
  const outsideRuns = loadOutsideRuns(createOutsideRuns(db, failureSinks), loadMany);
  const realSweeps = createSweeps(db, failureSinks);

  const publish = createPublisher({ listeners: deps.listeners, log });
  const taskQueues = createTaskQueues({ queues: deps.queues, log });
  const { ensureAlarmBy } = dispatcher;
  const limitParts = createLimits({ ...deps, store, taskQueues });
  const { admissions, admission, limitSweep, limitCommands } = limitParts;
  const longTasks = createLongTasks({ workflow: deps.workflow, log });
  const { followUp, flowRelease, ...flowParts } = createFlows({
    ...deps,
    taskQueues,
    publish,
    admission,
    longTasks,
  });
  const { flows, flowCommands, flowValues } = flowParts;
  const ways = { taskQueues, publish, followUp, ensureAlarmBy };
  const commands = createCommands({
    ...deps,
    ...ways,
    transitions,
    store,
    queues: queueStore,
    longTasks,
    retryInFlows: flowCommands.retryMany,
  });
  const { tryReserve } = dispatcher;
  const findTasks = createBulk({ ...deps, search, commands, tryReserve });
  const taskTypes = createTaskTypeStore(db);
  const schedules = createScheduleStore(db);
  const planner = createPlanner({ gates, now, random: deps.random });
  const executor = createExecutor({
    catalog,
    dependencies: deps.dependencies,
    callEndpoint: createEndpointCaller({ ...deps.endpoints, planner, taskTypes, now }),
    forOwner: (owner) => ({ files: deps.openFiles(owner), tasks: findTasks(owner) }),
    countRequest: deps.countRequest,
    runSteps,
    fillAtRun: flowValues.fillAtRun,
    holdParams,
    submitChild: deps.submitChild,
    pauseLimit: (owner, key, ms) => limitCommands.pause(owner, key, Math.round(now() + ms)),
    now,
    wait,
    log,
  });
  const { publishRuns, startTracing } = deps;
  const startRunner = () =>
    startTaskRunner({
      executor,
      startTracing,
      publishRuns,
      runLogs,
      leases,
      outsideRuns,
      now,
      log,
    });

  const { recorder, directRunner } = createRecording({
    ...deps,
    ...ways,
    executor,
    startRunner,
    leases,
    transitions,
    store,
    keepResult,
  });
  const outside = createOutside({
    ...deps,
    ...ways,
    fillLeased: flowValues.fillLeased,
    keepResult,
    store,
    outsideRuns,
    transitions,
  });
  const runBatch = createBatchRunner({
    startRunner,
    recorder,
    longTasks,
    longTaskMs,
    random: deps.random,
    log,
  });

  return {
    /** For those who look for a row here that was moved here. */
    plain: { transitions: plainTransitions, leases: plainLeases },
    store,
    search,
    queueStore,
    deliveryStore,
    taskQueues,
    commands,
    taskTypes,
    schedules,
    leases,
    directRunner,
    runLogs,
    runSteps,
    runJournal: createRunJournal(runLogs),
    limitCommands,
    ...flowParts,
    ...outside,
    consumer: createConsumer({ transitions, runBatch, taskQueues, now, log }),
    deliverer: createDelivering({ ...deps, store, flows, planner, gates, deliveryStore }),
    longTaskRunner: createLongTaskRunner({ store, startRunner, recorder, taskQueues, log }),
    /** The dependencies of this database's Dispatcher, besides its storage. */
    dispatcherDeps: {
      store,
      schedules,
      cancel: (owner: string, ids: readonly string[]) => commands.runMany('cancel', owner, ids),
      tryConsume: deps.tryConsume,
      transitions,
      sweeps: replace.sweeps?.(realSweeps) ?? realSweeps,
      admissions,
      admission,
      limits: limitSweep,
      computeCutoffs: deps.computeCutoffs,
      pruneWhenFull: deps.pruneWhenFull,
      ...createRoom({ ...deps, owners, store }),
      removeLeftovers: deps.removeLeftovers,
      purge: createPurge({ ...deps, store, flows }),
      flows,
      ...flowRelease,
      expireRuns: outside.work.expire,
      taskQueues,
      sentTasks: createSentTaskStore(db),
      sendDeliveries: deliveries.sendToQueue,
      publish,
      now,
      wait,
      log,
    },
  };
};

export type Engine = ReturnType<typeof createEngine>;
