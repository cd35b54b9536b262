import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { getServices } from '../../src/wiring/services.ts';
import { createTransitions } from '../../src/store/transitions.ts';
import { call, finished, submit, watch } from '../support/client.ts';
import { aTask, OWNER, rowOf, store } from '../support/rows.ts';

/** A timeout beyond `LONG_TASK_SECONDS`: such a task is run by a real Workflow. */
const LONG = { timeout_seconds: 60 };

describe('a long task', () => {
  it('is run by a Workflow, and lets its queue go on meanwhile', async () => {
    const long = await submit('simulate', { duration: 4 }, LONG);
    const { next } = await watch(`/tasks/${long.task_id}/events`);
    await next((frame) => frame.event === 'progress');
    const short = await submit('simulate', { duration: 0 });
    expect((await finished(short.task_id)).status).toBe('COMPLETED');
    expect((await rowOf(long.task_id)).status).toBe('IN_PROGRESS');
    expect(await finished(long.task_id)).toMatchObject({
      status: 'COMPLETED',
      result: 'Task completed in 4 seconds',
      attempt: 1,
    });
  }, 15_000);

  it('is retried as any other', async () => {
    const { task_id } = await submit('flaky', { failures: 1 }, LONG);
    expect(await finished(task_id)).toMatchObject({
      status: 'COMPLETED',
      result: { succeeded_on_attempt: 2 },
      attempt: 2,
    });
  }, 15_000);

  it('is cancelled at once, and its instance ended', async () => {
    const { task_id } = await submit('simulate', { duration: 500 }, LONG);
    const { next } = await watch(`/tasks/${task_id}/events`);
    await next((frame) => frame.event === 'progress');
    expect(await (await call(`/tasks/${task_id}/cancel`, { method: 'POST' })).json()).toMatchObject(
      {
        status: 'CANCELLED',
      },
    );
    const instance = await env.LONG_TASKS.get(`${task_id}-1`);
    await vi.waitUntil(
      async () => ['terminated', 'complete', 'errored'].includes((await instance.status()).status),
      {
        timeout: 5_000,
      },
    );
    expect(await rowOf(task_id)).toMatchObject({ status: 'CANCELLED', attempt: 1 });
  }, 15_000);

  it('is not run by an instance that comes too late', async () => {
    const task = aTask({ timeoutMs: 60_000 });
    await store(task);
    await createTransitions(env.DB).claim([{ owner: OWNER, id: task.id }], Date.now(), false);
    const { longTaskRunner } = getServices(env);
    await longTaskRunner.run({ owner: OWNER, id: task.id, attempt: 2, timeoutMs: 60_000 });
    expect(await rowOf(task.id)).toMatchObject({ status: 'IN_PROGRESS', attempt: 1 });
    await longTaskRunner.run({ owner: OWNER, id: task.id, attempt: 1, timeoutMs: 60_000 });
    expect(await rowOf(task.id)).toMatchObject({ status: 'COMPLETED', attempt: 1 });
    await longTaskRunner.run({ owner: OWNER, id: task.id, attempt: 1, timeoutMs: 60_000 });
    expect(await rowOf(task.id)).toMatchObject({ status: 'COMPLETED', version: 3 });
  });
});
