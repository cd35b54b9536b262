import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { v7 as uuidv7 } from 'uuid';
import type { TaskView } from '../../../../src/domain/view.ts';
import { call, finished, submit, watch } from '../../../support/client.ts';
import { observeDatabase } from '../../../support/database.ts';
import { storeKey } from '../../../support/keys.ts';
import { aTask, OWNER, store } from '../../../support/rows.ts';

// What is done to all tasks that a filter finds is a task itself.

const act = async (action: string, filter: object): Promise<TaskView> => {
  const response = await call('/tasks/actions', { json: { action, filter } });
  expect(response.status).toBe(202);
  return response.json();
};
const done = async (action: string, filter: object): Promise<unknown> => {
  const task = await finished((await act(action, filter)).task_id);
  expect(task.error).toBeNull();
  return task.result;
};
const later = (tag: string, more: object = {}) =>
  submit('sum', { a: 1, b: 1 }, { delay_seconds: 600, tags: [tag], ...more });
const statusesOf = async (tag: string): Promise<string[]> =>
  (await (await call(`/tasks?tag=${tag}&page_size=100`)).json<{ tasks: TaskView[] }>()).tasks.map(
    ({ status }) => status,
  );
const code = async (response: Response): Promise<[number, string]> => [
  response.status,
  (await response.json<{ code: string }>()).code,
];

describe('an action on all that match', () => {
  it('pauses, resumes, cancels, retries and deletes, and says what it did', async () => {
    await Promise.all([later('all'), later('all'), later('all'), later('other')]);
    expect(await done('pause', { tag: 'all' })).toEqual({
      action: 'pause',
      matched: 3,
      changed: 3,
      skipped: 0,
    });
    expect(await statusesOf('all')).toEqual(['PAUSED', 'PAUSED', 'PAUSED']);
    expect(await done('resume', { tag: ['all'], status: 'paused' })).toMatchObject({ changed: 3 });
    expect(await statusesOf('all')).toEqual(['NEW', 'NEW', 'NEW']);
    expect(await done('cancel', { tag: 'all' })).toMatchObject({ changed: 3 });
    expect(await done('cancel', { tag: 'all' })).toMatchObject({ matched: 0 });
    // Its time is no longer waited for: a rerun runs at once.
    expect(await done('retry', { tag: 'all' })).toMatchObject({ changed: 3 });
    await Promise.all(
      (await (await call('/tasks?tag=all')).json<{ tasks: TaskView[] }>()).tasks.map(
        ({ task_id }) => finished(task_id),
      ),
    );
    expect(await done('delete', { tag: 'all' })).toMatchObject({ changed: 3 });
    expect(await statusesOf('all')).toEqual([]);
    expect(await statusesOf('other')).toEqual(['NEW']);
  });

  it('finds by id, by type under any name, by parameters and by error', async () => {
    const [one, two] = await Promise.all([later('named'), later('named')]);
    expect(await done('cancel', { id: [one.task_id] })).toMatchObject({ changed: 1 });
    expect(
      await done('cancel', { type: 'sum_two_numbers', tag: 'named', 'params.a': '1' }),
    ).toMatchObject({
      changed: 1,
    });
    expect((await finished(two.task_id)).status).toBe('CANCELLED');
    const broken = await finished((await submit('broken', {}, { max_attempts: 1 })).task_id);
    expect(await done('delete', { status: 'FAILED', error: broken.error?.message })).toMatchObject({
      changed: 1,
    });
    expect((await call(`/tasks/${broken.task_id}`)).status).toBe(404);
  });

  it('changes no task that came after it or belongs to another owner', async () => {
    const theirs = aTask({ owner: 'somebody else', scheduledAt: Date.now() + 600_000 });
    // An id of a moment to come.
    const tomorrow = aTask({
      owner: OWNER,
      id: uuidv7({ msecs: Date.now() + 86_400_000 }),
      scheduledAt: Date.now() + 600_000,
      tags: ['later'],
    });
    await store(theirs);
    await store(tomorrow);
    expect(await done('cancel', { tag: 'later' })).toMatchObject({ matched: 0 });
    await done('cancel', { submitted_before: '2100-01-01' });
    const { results } = await env.DB.prepare('SELECT id, status FROM tasks WHERE id IN (?, ?)')
      .bind(theirs.id, tomorrow.id)
      .all();
    expect(results.map(({ status }) => status)).toEqual(['NEW', 'NEW']);
  });

  it('changes a chunk of 100 with one write', async () => {
    await call('/tasks/bulk', {
      json: {
        tasks: Array.from({ length: 250 }, () => ({
          type: 'sum',
          params: { a: 1, b: 1 },
          delay_seconds: 600,
          tags: ['many'],
        })),
      },
    });
    const { asked, stop } = observeDatabase();
    const task = await act('cancel', { status: 'NEW', tag: 'many' });
    const { frames, closed } = await watch(`/tasks/${task.task_id}/events`);
    await closed;
    stop();
    expect(asked.filter(({ name }) => name === 'tasks.cancel').length).toBe(3);
    const last = frames.at(-1);
    expect(last && 'task' in last && last.task.result).toEqual({
      action: 'cancel',
      matched: 250,
      changed: 250,
      skipped: 0,
    });
  });

  it('refuses what is no action, no filter or no filter of ours', async () => {
    const refused = async (body: unknown) => code(await call('/tasks/actions', { json: body }));
    for (const body of [
      {},
      { action: 'cancel' },
      { action: 'delete', filter: {} },
      { action: 'explode', filter: {} },
      { action: 'cancel', filter: { nonsense: 1 } },
      { action: 'cancel', filter: [] },
      { action: 'cancel', filter: { status: 'SAD' } },
      { action: 'cancel', filter: { 'params."': 'x' } },
      { action: 'cancel', filter: { id: ['x'] } },
      { action: 'cancel', filter: { page: 1 } },
      { action: 'cancel', filter: null },
    ])
      expect([body, await refused(body)]).toEqual([body, [422, 'invalid_request']]);
    const { key } = await storeKey('reader', ['tasks:read']);
    const response = await call('/tasks/actions', {
      json: { action: 'cancel', filter: {} },
      headers: { Authorization: `Bearer ${key}` },
    });
    expect(await code(response)).toEqual([403, 'scope_missing']);
  });
});
