import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { TaskDetail, TaskView } from '../../../../src/domain/view.ts';
import { createTransitions } from '../../../../src/store/transitions.ts';
import { call, finished, submit, watch } from '../../../support/client.ts';
import { aTask, OWNER, rowOf, store } from '../../../support/rows.ts';

afterEach(() => vi.restoreAllMocks());

const act = async (
  id: string,
  verb: string,
): Promise<{ status: number; body: Record<string, unknown> }> => {
  const response = await call(`/tasks/${id}/${verb}`, { method: 'POST' });
  return { status: response.status, body: await response.json() };
};
const detail = async (id: string): Promise<TaskDetail> => (await call(`/tasks/${id}`)).json();
const edit = (id: string, json: object, method = 'PATCH') => call(`/tasks/${id}`, { method, json });

/** A stored task in each status, which no queue knows. */
const inStatus = async (status: string): Promise<string> => {
  const transitions = createTransitions(env.DB);
  const task = aTask(status === 'NEW' ? { scheduledAt: Date.now() + 3_600_000 } : {});
  await store(task);
  const key = { owner: OWNER, id: task.id };
  if (status === 'PAUSED') await transitions.command('pause', OWNER, task.id, Date.now());
  if (status === 'CANCELLED') await transitions.command('cancel', OWNER, task.id, Date.now());
  if (!['IN_PROGRESS', 'COMPLETED', 'FAILED'].includes(status)) return task.id;
  const [claimed] = await transitions.claim([key], Date.now(), false);
  const done = { transition: 'complete', result: '1' } as const;
  const failed = { transition: 'fail', error: { code: 'x', message: 'y' } } as const;
  if (status !== 'IN_PROGRESS' && claimed) {
    await transitions.record(
      [{ task: claimed, verdict: status === 'COMPLETED' ? done : failed }],
      Date.now(),
    );
  }
  return task.id;
};

/** What each command makes of each status: the new one, or the code of its refusal. */
const TABLE: Record<string, Record<string, string>> = {
  cancel: {
    NEW: 'CANCELLED',
    PENDING: 'CANCELLED',
    PAUSED: 'CANCELLED',
    IN_PROGRESS: 'CANCELLED',
    CANCELLED: 'CANCELLED',
    COMPLETED: 'task_finished',
    FAILED: 'task_finished',
  },
  pause: {
    NEW: 'PAUSED',
    PENDING: 'PAUSED',
    PAUSED: 'PAUSED',
    IN_PROGRESS: 'task_running',
    CANCELLED: 'task_finished',
    COMPLETED: 'task_finished',
    FAILED: 'task_finished',
  },
  resume: {
    NEW: 'NEW',
    PENDING: 'PENDING',
    PAUSED: 'PENDING',
    IN_PROGRESS: 'IN_PROGRESS',
    CANCELLED: 'task_finished',
    COMPLETED: 'task_finished',
    FAILED: 'task_finished',
  },
  retry: {
    NEW: 'task_unfinished',
    PENDING: 'task_unfinished',
    PAUSED: 'task_unfinished',
    IN_PROGRESS: 'task_running',
    CANCELLED: 'PENDING',
    COMPLETED: 'task_finished',
    FAILED: 'PENDING',
  },
};

describe.each(Object.entries(TABLE))('POST /tasks/{id}/%s', (verb, expected) => {
  it.each(Object.entries(expected))('%s -> %s', async (status, outcome) => {
    const id = await inStatus(status);
    const { status: code, body } = await act(id, verb);
    if (outcome === outcome.toUpperCase()) expect([code, body['status']]).toEqual([200, outcome]);
    else expect([code, body['code'], body['task_status']]).toEqual([409, outcome, status]);
  });

  it('404 for a task that does not exist', async () => {
    expect((await act('0199b3c2-0000-7000-8000-000000000000', verb)).body).toMatchObject({
      code: 'task_not_found',
    });
  });
});

describe('cancelling', () => {
  it('ends a running task at once and aborts its handler within about 2 s; its late result is refused', async () => {
    const { task_id } = await submit('simulate', { duration: 20 });
    const { next, frames } = await watch(`/tasks/${task_id}/events`);
    await next((frame) => frame.event === 'progress');
    const cancelled = await act(task_id, 'cancel');
    expect(cancelled.body).toMatchObject({ status: 'CANCELLED', result: null });
    await next((frame) => 'task' in frame && frame.task.status === 'CANCELLED');
    const task = await detail(task_id);
    expect(task.attempts).toMatchObject([{ attempt: 1, outcome: 'cancelled', error: null }]);
    // The batch is over when the handler is: a second task of the same queue then runs.
    const second = await submit('simulate', { duration: 0 });
    expect((await finished(second.task_id)).status).toBe('COMPLETED');
    expect(await detail(task_id)).toMatchObject({ status: 'CANCELLED', version: task.version });
    expect(frames.filter((frame) => frame.event === 'progress').length).toBeLessThan(5);
  }, 15_000);
});

describe('running again', () => {
  it('grants as many attempts again, goes on counting, and keeps the history', async () => {
    const { task_id } = await submit('broken', {}, { max_attempts: 1 });
    expect(await finished(task_id)).toMatchObject({
      status: 'FAILED',
      attempt: 1,
      max_attempts: 1,
    });
    const again = await act(task_id, 'retry');
    expect(again.body).toMatchObject({ status: 'PENDING', attempt: 1, max_attempts: 2 });
    const task = await finished(task_id);
    expect(task).toMatchObject({ status: 'FAILED', attempt: 2, max_attempts: 2, rescues: 0 });
    expect(task.attempts.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, 'failed'],
      [2, 'failed'],
    ]);
  });

  it('never shows the old output again', async () => {
    const { task_id } = await submit('broken', {}, { max_attempts: 1 });
    const { version } = await finished(task_id);
    await vi.waitUntil(
      async () => (await call(`/tasks/${task_id}`)).headers.get('X-Cache') === 'HIT',
    );
    await act(task_id, 'retry');
    expect((await detail(task_id)).version).toBeGreaterThan(version);
  });
});

describe('pausing and resuming', () => {
  it('costs no write while it lasts, and the task then runs', async () => {
    const id = await inStatus('PAUSED');
    expect(await rowOf(id)).toMatchObject({ wake_at: null });
    await act(id, 'resume');
    expect((await finished(id)).status).toBe('COMPLETED');
  });

  it('goes back to waiting for a time that is still ahead', async () => {
    const id = await inStatus('NEW');
    await act(id, 'pause');
    expect((await act(id, 'resume')).body).toMatchObject({ status: 'NEW' });
  });
});

describe('editing', () => {
  it('changes words at any time', async () => {
    for (const status of ['NEW', 'IN_PROGRESS', 'COMPLETED']) {
      const id = await inStatus(status);
      const response = await edit(id, { title: 'new', description: 'words' }, 'PUT');
      expect([response.status, await response.json()]).toMatchObject([
        200,
        { title: 'new', description: 'words', status },
      ]);
      expect(await (await edit(id, { description: null })).json()).toMatchObject({
        title: 'new',
        description: null,
      });
    }
  });

  it('moves a task that waits to another queue, where it runs', async () => {
    const id = await inStatus('PENDING');
    const moved = await (await edit(id, { priority: 'high' })).json<TaskView>();
    expect(moved).toMatchObject({ priority: 'HIGH', queue: 'default-high', status: 'PENDING' });
    expect((await finished(id)).status).toBe('COMPLETED');
  });

  it.each([
    ['IN_PROGRESS', 'task_running'],
    ['COMPLETED', 'task_finished'],
    ['FAILED', 'task_finished'],
  ])('leaves the priority of a task that is %s', async (status, code) => {
    const id = await inStatus(status);
    const response = await edit(id, { priority: 'LOW', title: 'x' });
    expect([response.status, await response.json()]).toMatchObject([
      409,
      { code, task_status: status },
    ]);
    expect(await rowOf(id)).toMatchObject({ priority: 'MEDIUM', title: null });
    expect((await edit(id, { priority: 'MEDIUM', title: 'x' })).status).toBe(200);
  });

  it.each([
    [{}, ''],
    [{ status: 'COMPLETED' }, 'status'],
    [{ params: {} }, 'params'],
    [{ title: 7 }, 'title'],
  ])('422: %j', async (change, path) => {
    const response = await edit(await inStatus('NEW'), change);
    const { errors } = await response.json<{ errors: { path: string }[] }>();
    expect([response.status, errors[0]?.path]).toEqual([422, path]);
  });
});

describe('deleting', () => {
  it('is 204, and then there is nothing, not even in the cache', async () => {
    const { task_id } = await submit('sum', { a: 1, b: 2 });
    await finished(task_id);
    const response = await call(`/tasks/${task_id}`, { method: 'DELETE' });
    expect([response.status, await response.text()]).toEqual([204, '']);
    expect((await call(`/tasks/${task_id}`)).status).toBe(404);
    expect((await call(`/tasks/${task_id}`, { method: 'DELETE' })).status).toBe(404);
  });

  it('is refused while the task runs', async () => {
    const response = await call(`/tasks/${await inStatus('IN_PROGRESS')}`, { method: 'DELETE' });
    expect([response.status, await response.json()]).toMatchObject([409, { code: 'task_running' }]);
  });
});

describe('when it runs', () => {
  it('waits for its time', async () => {
    const task = await submit('sum', { a: 1, b: 2 }, { delay_seconds: 3_600 });
    expect(task).toMatchObject({ status: 'NEW', scheduled_at: expect.any(String) });
    expect(Date.parse(task.scheduled_at ?? '') - Date.parse(task.submitted_at)).toBe(3_600_000);
  });

  it('is now for a time that has just passed, in either case of its letters', async () => {
    const justNow = new Date(Date.now() - 30_000).toISOString();
    for (const more of [
      { scheduled_at: justNow },
      { scheduled_at: justNow.toLowerCase() },
      { delay_seconds: 0 },
    ]) {
      expect(await submit('sum', { a: 1, b: 2 }, more)).toMatchObject({
        status: 'PENDING',
        scheduled_at: null,
      });
    }
  });

  it.each([
    [{ delay_seconds: 1, scheduled_at: '2030-01-01T00:00:00Z' }, 'scheduled_at'],
    [{ delay_seconds: 31_536_001 }, 'delay_seconds'],
    [{ scheduled_at: new Date(Date.now() + 31_536_060_000).toISOString() }, 'scheduled_at'],
    [{ scheduled_at: '2020-01-01T00:00:00Z' }, 'scheduled_at'],
    [{ scheduled_at: new Date(Date.now() - 61_000).toISOString() }, 'scheduled_at'],
    [{ scheduled_at: 'tomorrow' }, 'scheduled_at'],
    [{ delay_seconds: -1 }, 'delay_seconds'],
    [{ max_attempts: 0 }, 'max_attempts'],
    [{ max_attempts: 26 }, 'max_attempts'],
    [{ timeout_seconds: 0.5 }, 'timeout_seconds'],
    [{ timeout_seconds: 21_601 }, 'timeout_seconds'],
  ])('422: %j', async (more, path) => {
    const response = await call('/tasks', {
      json: { type: 'sum', params: { a: 1, b: 2 }, ...more },
    });
    const { errors } = await response.json<{ errors: { path: string }[] }>();
    expect([response.status, errors[0]?.path]).toEqual([422, path]);
  });
});

describe('a timeout', () => {
  it('ends an attempt, which is then retried', async () => {
    const { task_id } = await submit(
      'simulate',
      { duration: 5 },
      { timeout_seconds: 1, max_attempts: 1 },
    );
    const task = await finished(task_id);
    expect(task).toMatchObject({
      status: 'FAILED',
      error: { code: 'timeout', message: 'No result within 1 s' },
    });
  });
});

describe('the shortcuts', () => {
  it('submit a task that fails, and one that fails first', async () => {
    const plain = await (await call('/tasks/broken', { method: 'POST' })).json<TaskView>();
    expect(plain).toMatchObject({ type: 'broken', status: 'PENDING' });
    const worded = await (
      await call('/tasks/retry', { json: { title: 'twice', failures: 1, priority: 'high' } })
    ).json<TaskView>();
    expect(worded).toMatchObject({
      type: 'flaky',
      title: 'twice',
      params: { failures: 1 },
      priority: 'HIGH',
    });
    expect(await finished(worded.task_id)).toMatchObject({ result: { succeeded_on_attempt: 2 } });
    expect((await call('/tasks/retry', { json: { failures: 11 } })).status).toBe(422);
    expect((await call('/tasks/broken', { json: { surplus: 1 } })).status).toBe(422);
  });
});
