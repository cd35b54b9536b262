import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { getServices } from '../../src/wiring/services.ts';
import { createFlowCommands } from '../../src/engine/flow-commands.ts';
import { createFlowStore, type FlowStore } from '../../src/store/flows.ts';
import { clearFlows, endTask, flowRow, storeFlow, sum } from '../support/flows.ts';
import { OWNER, rowOf } from '../support/rows.ts';

const NOW = Date.now() + 3_600_000;
const { flowCommands, commands } = getServices(env);
const chain = {
  a: sum(1, 1, { scheduled_at: new Date(NOW + 60_000).toISOString() }),
  b: sum('a.result.result'),
  c: sum('b.result.result'),
};
const allow = async (): Promise<boolean> => true;
beforeEach(clearFlows);
const later = { ...chain, a: { ...chain.a } };

describe('a flow', () => {
  it('is cancelled once, and again without effect', async () => {
    const { flow } = await storeFlow(later, NOW);
    expect((await flowCommands.cancel(OWNER, flow.id)).status).toBe('CANCELLED');
    expect((await flowCommands.cancel(OWNER, flow.id)).status).toBe('CANCELLED');
    await expect(flowCommands.cancel(OWNER, crypto.randomUUID())).rejects.toMatchObject({
      code: 'flow_not_found',
    });
  });

  it('is retried from what failed, and not while nothing did', async () => {
    const { flow, idOf } = await storeFlow(later, NOW);
    await expect(flowCommands.retry(OWNER, flow.id, allow)).rejects.toMatchObject({
      code: 'flow_unfinished',
    });
    await flowCommands.cancel(OWNER, flow.id);
    expect((await flowCommands.retry(OWNER, flow.id, allow)).status).toBe('IN_PROGRESS');
    expect((await rowOf(idOf('b'))).held).toBe('flow');
  });

  it('is deleted once it has ended, with its tasks', async () => {
    const { flow } = await storeFlow(later, NOW);
    await expect(flowCommands.remove(OWNER, flow.id)).rejects.toMatchObject({
      code: 'flow_unfinished',
    });
    await flowCommands.cancel(OWNER, flow.id);
    await flowCommands.remove(OWNER, flow.id);
    expect(await env.DB.prepare('SELECT count(*) AS n FROM tasks').first('n')).toBe(0);
    await expect(flowCommands.remove(OWNER, flow.id)).rejects.toMatchObject({
      code: 'flow_not_found',
    });
  });
});

describe('a task of a flow', () => {
  it('goes back only where all that goes back with it may', async () => {
    const { idOf } = await storeFlow(later, NOW);
    await endTask(idOf('a'), NOW, 'FAILED');
    await env.DB.prepare(
      `UPDATE tasks SET status = 'CANCELLED', end_reason = 'upstream_failed', completed_at = 1, held = NULL, wake_at = NULL WHERE completed_at IS NULL`,
    ).run();
    const asked: string[][] = [];
    const refuse = async (types: readonly string[]): Promise<boolean> => {
      asked.push([...types]);
      return false;
    };
    expect(await commands.runMany('retry', OWNER, [idOf('a')], refuse)).toBe(0);
    expect(asked).toEqual([['sum', 'sum', 'sum']]);
    expect((await rowOf(idOf('a'))).status).toBe('FAILED');
  });

  it('goes back with what was cancelled because of it', async () => {
    const { flow, idOf } = await storeFlow(later, NOW);
    await endTask(idOf('a'), NOW, 'FAILED');
    await env.DB.prepare(
      `UPDATE tasks SET status = 'CANCELLED', end_reason = 'upstream_failed', completed_at = 1, held = NULL, wake_at = NULL WHERE completed_at IS NULL`,
    ).run();
    await expect(commands.retry(OWNER, idOf('b'), allow)).rejects.toMatchObject({
      code: 'task_finished',
      message: expect.stringContaining(`retry that, or flow "${flow.id}"`) as string,
    });
    expect((await commands.retry(OWNER, idOf('a'), allow)).status).toBe('PENDING');
    expect((await rowOf(idOf('c'))).status).toBe('PENDING');
    expect((await flowRow(flow.id)).status).toBe('IN_PROGRESS');
    // One that only waited for others cannot go back alone.
    await expect(commands.retry(OWNER, idOf('b'), allow)).rejects.toMatchObject({
      code: 'task_unfinished',
    });
  });

  it('goes back among many others, and is not deleted alone', async () => {
    const { idOf } = await storeFlow(later, NOW);
    await endTask(idOf('a'), NOW, 'CANCELLED');
    expect(await commands.runMany('delete', OWNER, [idOf('a')])).toBe(0);
    await expect(commands.remove(OWNER, idOf('a'))).rejects.toMatchObject({ code: 'task_of_flow' });
    expect(await commands.runMany('retry', OWNER, [idOf('a')], allow)).toBeGreaterThanOrEqual(1);
  });
});

it('reads the flow again when it has changed meanwhile, and gives up when it always does', async () => {
  const { flow, idOf } = await storeFlow(later, NOW);
  await endTask(idOf('a'), NOW, 'FAILED');
  const real = createFlowStore(env.DB);
  const nothing = async (): Promise<void> => {};
  const build = (retry: FlowStore['retry']) =>
    createFlowCommands({
      flows: { ...real, retry },
      publish: nothing,
      taskQueues: { enqueue: nothing },
      followUp: nothing,
      longTasks: { terminate: nothing },
      longTaskMs: 30_000,
      ensureAlarmBy: nothing,
      invalidate: nothing,
      closeStreams: nothing,
      removeLeftovers: nothing,
      now: () => NOW,
    });
  await expect(build(async () => []).retry(OWNER, flow.id, allow)).rejects.toMatchObject({
    code: 'overloaded',
  });
  let tries = 0;
  const third: FlowStore['retry'] = async (...of) => ((tries += 1) < 3 ? [] : real.retry(...of));
  expect((await build(third).retry(OWNER, flow.id, allow)).status).toBe('IN_PROGRESS');
});
