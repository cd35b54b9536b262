import { runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { chooseDispatcher } from '../../../src/engine/dispatcher.ts';
import { call, finished, submit } from '../../support/client.ts';
import { aTask, rowOf, store } from '../../support/rows.ts';

interface Queue {
  name: string;
  paused: boolean;
  pending: number;
}

const act = async (name: string, verb: string): Promise<Queue> =>
  (await call(`/queues/${name}/${verb}`, { method: 'POST' })).json();
const dispatcher = () => env.DISPATCHER.getByName(chooseDispatcher());

describe('queues', () => {
  it('are listed with how they stand', async () => {
    const { queues } = await (await call('/queues')).json<{ queues: Queue[] }>();
    expect(queues).toHaveLength(6);
    expect(queues[0]).toEqual({
      name: 'default-high',
      lane: 'default',
      priority: 'HIGH',
      paused: false,
      paused_at: null,
      paused_by: null,
      pending: 0,
      waiting: 0,
      in_progress: 0,
      oldest_waiting_seconds: null,
      backlog: 0,
    });
  });

  it('hold what is submitted while paused, and run it when resumed', async () => {
    expect(await act('default-low', 'pause')).toMatchObject({ name: 'default-low', paused: true });
    const held = await submit('sum', { a: 1, b: 2 }, { priority: 'LOW' });
    const other = await submit('sum', { a: 1, b: 2 }, { priority: 'HIGH' });
    expect((await finished(other.task_id)).status).toBe('COMPLETED');
    expect(await rowOf(held.task_id)).toMatchObject({ status: 'PENDING', attempt: 0 });
    expect(await act('default-low', 'pause')).toMatchObject({ paused: true, pending: 1 });
    expect(await act('default-low', 'resume')).toMatchObject({ paused: false });
    await env.DB.prepare('UPDATE tasks SET wake_at = 1 WHERE id = ?').bind(held.task_id).run();
    await dispatcher().tickNow();
    expect((await finished(held.task_id)).status).toBe('COMPLETED');
  });

  it('bring back what was parked, by the alarm alone', async () => {
    await act('default-low', 'pause');
    const task = aTask({ queue: 'default-low', priority: 'LOW' }, Date.now() - 60_000);
    await store(task);
    await dispatcher().tickNow();
    expect(await rowOf(task.id)).toMatchObject({ status: 'PENDING', wake_at: null, version: 1 });
    await env.DB.prepare('DELETE FROM queues').run();
    await runDurableObjectAlarm(dispatcher());
    expect((await finished(task.id)).status).toBe('COMPLETED');
  });

  it('are known by name', async () => {
    const response = await call('/queues/nonsense/pause', { method: 'POST' });
    expect([response.status, await response.json()]).toMatchObject([
      404,
      { code: 'queue_not_found' },
    ]);
  });
});

it('shows what waits in a paused queue, and how long, everywhere', async () => {
  await act('external-low', 'pause');
  const task = await submit('simulate', { duration: 0 }, { priority: 'LOW' });
  await env.DB.prepare('UPDATE tasks SET submitted_at = submitted_at - 700000 WHERE id = ?')
    .bind(task.task_id)
    .run();
  const { queues } = await (
    await call('/queues')
  ).json<{
    queues: (Queue & { waiting: number; oldest_waiting_seconds: number })[];
  }>();
  const low = queues.find(({ name }) => name === 'external-low');
  expect(low).toMatchObject({ paused: true, waiting: 1 });
  expect(low?.oldest_waiting_seconds).toBeGreaterThan(690);
  const metrics = await (await call('/metrics')).text();
  expect(metrics).toContain('tasker_queue_paused{queue="external-low"} 1');
  expect(metrics).toContain('tasker_queue_paused{queue="default-low"} 0');
  expect(metrics).toContain('tasker_queue_waiting{queue="external-low"} 1');
  expect(
    Number(/oldest_waiting_seconds\{queue="external-low"\} (\S+)/.exec(metrics)?.[1]),
  ).toBeGreaterThan(690);
  await vi.waitFor(
    async () =>
      expect(await (await call('/health')).json()).toMatchObject({
        paused_queues: ['external-low'],
      }),
    { timeout: 7_000, interval: 200 },
  );
  await act('external-low', 'resume');
});
