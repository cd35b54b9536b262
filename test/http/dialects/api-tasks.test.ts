import { env } from 'cloudflare:workers';
import { beforeEach, expect, it, vi } from 'vitest';
import apiTasks from '../../golden/api-tasks.json';
import runTask from '../../golden/run-task.json';
import { call, submit } from '../../support/client.ts';

// Golden transcripts: what these older APIs' clients send, and the exact answer, ids and times
// aside.

interface Call {
  method: string;
  path: string;
  body?: unknown;
  status: number;
  answer: unknown;
  /** Waits until the answer is this one: a task is on its way. */
  until?: boolean;
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const TIME = /"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/g;

beforeEach(async () => {
  await env.DB.batch(
    ['deliveries', 'tasks'].map((table) => env.DB.prepare(`DELETE FROM ${table}`)),
  );
});

it.each([
  ['/run-task', runTask as Call[]],
  ['/api/tasks', apiTasks as Call[]],
])('the transcript of %s', async (_name, calls) => {
  /** Real ids, in the order in which they came up: `<id 1>` in the transcript is the first. */
  const ids: string[] = [];
  const named = (text: string): string =>
    text
      .replaceAll(UUID, (id) => {
        if (!ids.includes(id) && !id.startsWith('0199b3c2')) ids.push(id);
        return ids.includes(id) ? `<id ${ids.indexOf(id) + 1}>` : id;
      })
      .replaceAll(TIME, '"<time>"');
  for (const { method, path, body, status, answer, until } of calls) {
    const real = path.replaceAll(/<id (\d)>/g, (_, n: string) => ids[Number(n) - 1] ?? '');
    const ask = async (): Promise<unknown[]> => {
      const response = await call(real, body === undefined ? { method } : { method, json: body });
      const answered = JSON.parse(named(await response.text())) as Record<string, unknown>;
      // What says where to read on is the same in every error.
      const { request_id: _id, docs_url: _url, ...rest } = answered;
      return [method, path, response.status, rest];
    };
    if (until)
      await vi.waitFor(async () => expect(await ask()).toEqual([method, path, status, answer]), {
        timeout: 5_000,
        interval: 50,
      });
    else expect(await ask()).toEqual([method, path, status, answer]);
  }
});

it('distinguishes every state and kind of /api/tasks', async () => {
  const state = async (id: string) =>
    (await (await call(`/api/tasks/${id}`)).json<{ state: string }>()).state;
  const list = async (query: string) => {
    const { tasks, total } = await (
      await call(`/api/tasks?${query}`)
    ).json<{ tasks: { task_id: string }[]; total: number }>();
    expect(total).toBe(tasks.length);
    return tasks.map(({ task_id }) => task_id);
  };
  const scheduled = await submit('sum', { a: 1, b: 1 }, { delay_seconds: 600 });
  const retried = await submit('broken', {}, { max_attempts: 25 });
  const failed = await submit('broken', {}, { max_attempts: 1 });
  const paused = await submit('sum', { a: 1, b: 1 }, { delay_seconds: 600 });
  await call(`/tasks/${paused.task_id}/pause`, { method: 'POST' });
  await vi.waitFor(async () => expect(await state(failed.task_id)).toBe('FAILURE'), {
    timeout: 5_000,
  });
  const wake = env.DB.prepare(
    `UPDATE tasks SET status = 'PENDING', completed_at = NULL, wake_at = ?1 + 600000, scheduled_at = ?1 + 600000 WHERE id = ?2`,
  );
  await vi.waitFor(async () =>
    expect(
      (await wake.bind(Date.now(), retried.task_id).run()).meta.changes &&
        (await state(retried.task_id)),
    ).toBe('RETRY'),
  );
  expect(await state(scheduled.task_id)).toBe('PENDING');
  expect(await state(paused.task_id)).toBe('PENDING');
  expect(await list('state=RETRY')).toEqual([retried.task_id]);
  expect((await list('state=PENDING')).toSorted()).toEqual(
    [scheduled.task_id, paused.task_id].toSorted(),
  );
  expect(await list('state=FAILURE')).toEqual([failed.task_id]);
  expect((await list('type=scheduled')).toSorted()).toEqual(
    [scheduled.task_id, retried.task_id].toSorted(),
  );
  expect(await list('type=reserved')).toEqual([paused.task_id]);
  expect(await list('type=completed')).toEqual([failed.task_id]);
  expect(await list('type=completed&state=RETRY')).toEqual([]);
  expect(await list('state=REVOKED')).toEqual([]);
});
