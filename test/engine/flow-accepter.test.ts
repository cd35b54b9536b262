import { env } from 'cloudflare:workers';
import { beforeEach, expect, it } from 'vitest';
import {
  createFlowAccepter,
  decodeFlow,
  encodeFlow,
  type FlowAccepterDeps,
} from '../../src/engine/flow-accepter.ts';
import { buildFlow } from '../../src/engine/flow-build.ts';
import { createTaskQueues } from '../../src/engine/task-queues.ts';
import { createFlowStore } from '../../src/store/flows.ts';
import { createTaskStore } from '../../src/store/tasks.ts';
import { keepLog, keepPublished, keepQueues, noLimits } from '../support/deps.ts';
import { aCaller, buildDeps, clearFlows, sum } from '../support/flows.ts';

const NOW = 1_900_000_000_000;
const flows = createFlowStore(env.DB);
const store = createTaskStore(env.DB);
beforeEach(clearFlows);

const build = () =>
  buildFlow(
    { tasks: { a: sum(1), b: sum('a.result.result') }, on_failure: 'stop' },
    aCaller,
    null,
    buildDeps(NOW),
  );
const setup = (more: Partial<FlowAccepterDeps> = {}) => {
  const { log } = keepLog();
  const { queues, sent } = keepQueues();
  const { publish, published } = keepPublished();
  const alarms: number[] = [];
  let outages = 0;
  const accepter = createFlowAccepter({
    flows,
    store,
    taskQueues: createTaskQueues({ queues, log }),
    publish,
    admission: noLimits.admission,
    ensureAlarmBy: async (at) => void alarms.push(at),
    quota: { tryReserve: async () => true },
    bytesQuota: { tryReserve: async () => true },
    databaseSize: { isFull: async () => false },
    noteOutage: () => void (outages += 1),
    log,
    ...more,
  });
  return { ...accepter, sent, published, alarms, outages: () => outages };
};
const count = () => env.DB.prepare('SELECT count(*) AS n FROM tasks').first('n');

it('stores a flow, and lets its first tasks go after the alarm is set', async () => {
  const { accept, sent, published, alarms } = setup();
  const built = await build();
  expect(await accept(decodeFlow(encodeFlow(built)))).toBe('accepted');
  expect(sent.map(({ id }) => id)).toEqual([built.tasks[0]?.id]);
  expect(published.map(({ held }) => held)).toEqual([null, 'flow']);
  expect(alarms).toEqual([NOW + 5_000]);
  // The same once more: who was answered first may have been stopped before it came to its tasks.
  expect(await accept(built)).toBe('accepted');
  expect([await count(), sent.length, published.length]).toEqual([2, 2, 4]);
  expect(sent[1]).toEqual(sent[0]);
  expect(published.slice(2)).toEqual(published.slice(0, 2));
});

it.each([
  ['database_full', { databaseSize: { isFull: async () => true } }],
  ['too_many_unfinished', { quota: { tryReserve: async () => false } }],
  ['too_many_bytes', { bytesQuota: { tryReserve: async () => false } }],
  ['database_unavailable', { ensureAlarmBy: () => Promise.reject(new Error('no')) }],
] as const)('answers %s, and stores nothing', async (answer, more) => {
  expect(await setup(more).accept(await build())).toBe(answer);
  expect(await count()).toBe(0);
});

it('inserts once more when the answer is lost, and then says what is there', async () => {
  let tries = 0;
  const lost: FlowAccepterDeps['flows'] = {
    ...flows,
    insert: async (...of) => {
      const held = await flows.insert(...of);
      tries += 1;
      if (tries <= 2) throw new Error('Network connection lost.');
      return held;
    },
  };
  const { accept, outages, sent } = setup({ flows: lost });
  expect(await accept(await build())).toBe('accepted');
  expect([await count(), tries, outages(), sent.length]).toEqual([2, 2, 1, 1]);
  // The second one is refused, which says nothing of the first.
  let calls = 0;
  const thenRefused = setup({
    flows: {
      ...flows,
      insert: async (...of) => {
        calls += 1;
        if (calls > 1) throw new Error('D1 DB is overloaded');
        await flows.insert(...of);
        throw new Error('Network connection lost.');
      },
    },
  });
  expect(await thenRefused.accept(await build())).toBe('accepted');
  const refused = setup({
    flows: { ...flows, insert: () => Promise.reject(new Error('D1 DB is overloaded')) },
  });
  expect(await refused.accept(await build())).toBe('database_unavailable');
});

it('says that the key is taken where another flow has it', async () => {
  const { accept } = setup();
  const [first, second] = [await build(), await build()];
  first.flow.idempotency_key = second.flow.idempotency_key = 'k';
  expect([await accept(first), await accept(second)]).toEqual(['accepted', 'duplicate']);
  expect(await count()).toBe(2);
});

it('never says that a flow is not stored because the database refused to be asked', async () => {
  const built = await build();
  await setup().accept(built);
  const findBirths = () => Promise.reject(new Error('D1 DB is overloaded'));
  expect(await setup({ store: { findBirths } }).accept(built)).toBe('outcome_unknown');
});
