import { createFlowCommands, type FlowCommandDeps } from '../engine/flow-commands.ts';
import { createFlowLists } from '../engine/flow-lists.ts';
import { createFlowRelease, type FlowReleaseDeps } from '../engine/flow-release.ts';
import { createFlowValues } from '../engine/flow-values.ts';
import { createFollowUp } from '../engine/follow-up.ts';
import { createFlowStore } from '../store/flows.ts';
import { createUniqueTasks } from '../engine/unique-tasks.ts';
import { createReleaseStore } from '../store/releases.ts';
import { createUniqueStore } from '../store/unique.ts';
import type { EngineDeps } from './engine-deps.ts';
import { loadReleases } from './whole-rows.ts';

type FlowsDeps = Pick<
  EngineDeps,
  | 'db'
  | 'catalog'
  | 'dispatcher'
  | 'dependencies'
  | 'hasSearchIndex'
  | 'tryConsume'
  | 'replace'
  | 'largeBodies'
> &
  Pick<
    EngineDeps,
    'deliveries' | 'invalidate' | 'closeStreams' | 'removeLeftovers' | 'longTaskMs'
  > &
  Pick<EngineDeps, 'countConflict' | 'countFlowEnd' | 'now' | 'log'> &
  Pick<FlowReleaseDeps, 'admission' | 'taskQueues' | 'publish'> &
  Pick<FlowCommandDeps, 'longTasks'>;

/** What tasks mean to others: they let them go, in a flow, or keep them away, by a unique key. */
export const createFlows = (given: FlowsDeps) => {
  const { db, dispatcher, dependencies, deliveries, replace } = given;
  const deps = {
    ...given,
    ensureAlarmBy: dispatcher.ensureAlarmBy,
    secrets: dependencies.secrets,
    sendDeliveries: deliveries.sendToQueue,
  };
  const flows = createFlowStore(db);
  const { loadMany } = given.largeBodies;
  const releases = loadReleases(createReleaseStore(db, deliveries.failureSinks), loadMany);
  const flowValues = createFlowValues(releases);
  const lists = createFlowLists({ ...deps, releases, flows });
  const real = createFlowRelease({ ...deps, releases, flows, lists, values: flowValues });
  const flowRelease = replace?.flowRelease?.(real) ?? real;
  const followUp = createFollowUp({ ...deps, flowRelease });
  return {
    flows,
    flowValues,
    flowRelease,
    followUp,
    flowCommands: createFlowCommands({ ...deps, flows, followUp }),
    uniqueTasks: createUniqueTasks({ ...deps, followUp, unique: createUniqueStore(db) }),
  };
};
