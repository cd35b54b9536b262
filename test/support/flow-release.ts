import { env } from 'cloudflare:workers';
import { createFlowLists } from '../../src/engine/flow-lists.ts';
import { createFlowRelease } from '../../src/engine/flow-release.ts';
import { createFlowValues } from '../../src/engine/flow-values.ts';
import { createTaskQueues } from '../../src/engine/task-queues.ts';
import { catalog } from '../../src/handlers/catalog.ts';
import { createFlowStore } from '../../src/store/flows.ts';
import { createReleaseStore, type ReleaseStore } from '../../src/store/releases.ts';
import { dependencies, keepLog, keepPublished, keepQueues, noLimits } from './deps.ts';

export const NOW = 1_900_000_000_000;

/** The release step over the real database, with queues that keep what is sent. */
export const setupRelease = (
  change: (real: ReleaseStore) => Partial<ReleaseStore> = () => ({}),
) => {
  const { log, events } = keepLog();
  const { queues, sent } = keepQueues();
  const { publish, published } = keepPublished();
  const alarms: number[] = [];
  const delivered: unknown[] = [];
  const counted: string[] = [];
  let mayConsume = true;
  const real = createReleaseStore(env.DB, null);
  const releases = { ...real, ...change(real) };
  const ensureAlarmBy = async (at: number) => void alarms.push(at);
  const node = {
    catalog,
    secrets: dependencies.secrets,
    hasSearchIndex: false,
    now: () => NOW + 10,
  };
  const lists = createFlowLists({
    ...node,
    releases,
    flows: createFlowStore(env.DB),
    tryConsume: async () => mayConsume,
    ensureAlarmBy,
  });
  const release = createFlowRelease({
    ...node,
    releases,
    flows: createFlowStore(env.DB),
    lists,
    values: createFlowValues(releases),
    taskQueues: createTaskQueues({ queues, log }),
    admission: noLimits.admission,
    publish,
    countFlowEnd: (status) => void counted.push(status),
    sendDeliveries: async (keys) => void delivered.push(...keys),
    ensureAlarmBy,
    log,
  });
  return {
    ...release,
    sent,
    published,
    alarms,
    events,
    delivered,
    counted,
    refuseMetered: () => void (mayConsume = false),
  };
};
