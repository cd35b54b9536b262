import { env } from 'cloudflare:workers';
import { beforeEach, expect, it } from 'vitest';
import { getServices } from '../../src/wiring/services.ts';
import { createFlowSubmission, type FlowSubmissionDeps } from '../../src/engine/flow-submission.ts';
import { createFlowStore } from '../../src/store/flows.ts';
import { keepLog } from '../support/deps.ts';
import { aCaller, buildDeps, clearFlows, sum } from '../support/flows.ts';

const NOW = 1_900_000_000_000;
const { limitCommands } = getServices(env);
beforeEach(clearFlows);

const setup = (acceptFlow: FlowSubmissionDeps['acceptFlow']) => {
  const consumed: number[] = [];
  const flowSubmission = createFlowSubmission({
    ...buildDeps(NOW),
    flows: createFlowStore(env.DB),
    ensureLimits: limitCommands.ensure,
    tryReserve: async () => true,
    acceptFlow,
    log: keepLog().log,
  });
  const submit = (b: number, idempotencyKey: string | null = null) =>
    flowSubmission.submit({
      request: { tasks: { a: sum(1, b, { limit: { key: 'of-flows' } }) }, on_failure: 'stop' },
      caller: aCaller,
      idempotencyKey,
      consumeMetered: async (n) => void consumed.push(n),
    });
  return { submit, consumed };
};
const store: FlowSubmissionDeps['acceptFlow'] = async ({ flow, tasks, edges }) => {
  const held = await createFlowStore(env.DB).insert(flow, tasks, edges);
  return held.size > 0 ? 'accepted' : 'duplicate';
};

it('stores a flow once for one key, and refuses the key for another body', async () => {
  const { submit, consumed } = setup(store);
  const first = await submit(1, 'key');
  expect(first.replayed).toBe(false);
  const again = await submit(1, 'key');
  expect(again).toMatchObject({ replayed: true, flow: { id: first.flow.id } });
  await expect(submit(2, 'key')).rejects.toMatchObject({ code: 'idempotency_key_reused' });
  expect(consumed).toEqual([]);
});

it('makes the limits that its tasks name', async () => {
  await setup(store).submit(1);
  const limit = await env.DB.prepare(`SELECT key FROM limits WHERE key = 'of-flows'`).first('key');
  expect(limit).toBe('of-flows');
});

it('repeats a call whose answer was lost, and says when nothing is known', async () => {
  let calls = 0;
  const lost: FlowSubmissionDeps['acceptFlow'] = async (flow) => {
    calls += 1;
    if (calls === 1) throw new Error('Network connection lost.');
    return store(flow);
  };
  expect((await setup(lost).submit(1)).replayed).toBe(false);
  calls = 0;
  const thenRefused: FlowSubmissionDeps['acceptFlow'] = async (flow) => {
    await lost(flow);
    return 'database_unavailable';
  };
  await expect(setup(thenRefused).submit(1)).rejects.toMatchObject({ code: 'outcome_unknown' });
  const never = setup(() => Promise.reject(new Error('Network connection lost.')));
  await expect(never.submit(1)).rejects.toMatchObject({ code: 'outcome_unknown' });
  await expect(setup(async () => 'too_many_bytes').submit(1)).rejects.toMatchObject({
    code: 'too_many_bytes',
  });
});
