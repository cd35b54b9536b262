import { env } from 'cloudflare:workers';
import { beforeEach, expect, it } from 'vitest';
import { createFlowEnds } from '../../src/engine/flow-ends.ts';
import { createFlowStore } from '../../src/store/flows.ts';
import { clearFlows, endTask, flowRow, storeFlow, sum } from '../support/flows.ts';
import { OWNER } from '../support/rows.ts';

const NOW = 1_900_000_000_000;
beforeEach(clearFlows);

it('counts an end once, and sends what is owed for it', async () => {
  const counted: string[] = [];
  const sent: unknown[] = [];
  const noteEnds = createFlowEnds({
    flows: createFlowStore(env.DB),
    countFlowEnd: (status) => void counted.push(status),
    sendDeliveries: async (keys) => void sent.push(...keys),
  });
  const { flow, idOf } = await storeFlow({ a: sum(1), b: sum(2) }, NOW);
  await env.DB.prepare('UPDATE flows SET callback_url = ?').bind('https://example.com/').run();
  const of = { owner: OWNER, flow_id: flow.id };
  await endTask(idOf('a'), NOW + 1);
  await noteEnds([of]);
  expect([counted, sent]).toEqual([[], []]);
  await endTask(idOf('b'), NOW + 2, 'FAILED');
  await noteEnds([of]);
  await noteEnds([of]);
  const { version } = await flowRow(flow.id);
  expect(counted).toEqual(['FAILED']);
  expect(sent).toEqual([{ owner: OWNER, task_id: flow.id, version, sink: 'callback' }]);
});
