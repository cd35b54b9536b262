import { env } from 'cloudflare:workers';
import { beforeAll, expect, it } from 'vitest';
import { getServices } from '../../src/wiring/services.ts';
import { call, submit } from '../support/client.ts';
import { rowOf } from '../support/rows.ts';

beforeAll(async () => {
  await call('/task-types/approval', {
    method: 'PUT',
    json: {
      description: 'Somebody says yes or no',
      run: { manual: {} },
      result: {
        type: 'object',
        properties: { approved: { type: 'boolean' } },
        required: ['approved'],
      },
    },
  });
});
const post = async (path: string, json: object) => {
  const response = await call(path, { json });
  return [response.status, await response.json()] as const;
};

it('waits for a person, and is completed once', async () => {
  const { task_id } = await submit('approval', {}, { title: 'Pay 5 000' });
  const waiting = await (await call(`/tasks/${task_id}`)).json();
  expect(waiting).toMatchObject({ status: 'PENDING', waiting_for: { reason: 'person' } });
  expect(await post(`/tasks/${task_id}/complete`, { result: { approved: 'yes' } })).toMatchObject([
    422,
    { errors: [{ path: 'result', code: 'invalid_result' }] },
  ]);
  const answers = await Promise.all([
    post(`/tasks/${task_id}/complete`, { result: { approved: true } }),
    post(`/tasks/${task_id}/fail`, { message: 'No' }),
  ]);
  expect(answers.map(([status]) => status).toSorted()).toEqual([200, 409]);
  const { attempts } = JSON.parse(JSON.stringify(await rowOf(task_id))) as { attempts: string };
  expect(JSON.parse(attempts)).toHaveLength(1);
});

it('is failed with a reason, and retried like any other', async () => {
  const { task_id } = await submit('approval');
  expect(await post(`/tasks/${task_id}/fail`, { message: 'Too dear' })).toMatchObject([
    200,
    { status: 'FAILED', attempt: 1, error: { code: 'rejected', message: 'Too dear' } },
  ]);
  await call(`/tasks/${task_id}/retry`, { method: 'POST' });
  expect(await post(`/tasks/${task_id}/complete`, { result: { approved: true } })).toMatchObject([
    200,
    { status: 'COMPLETED', attempt: 2 },
  ]);
});

it('fails when nobody ends it within its time', async () => {
  const { task_id } = await submit('approval', {}, { timeout_seconds: 60 });
  const { sweeps } = getServices(env).dispatcherDeps;
  expect((await sweeps.sweep(Date.now() + 59_000, 500, [])).expired).toEqual([]);
  expect((await sweeps.sweep(Date.now() + 61_000, 500, [])).expired).toMatchObject([
    { id: task_id, status: 'FAILED' },
  ]);
  expect(await (await call(`/tasks/${task_id}`)).json()).toMatchObject({
    error: { code: 'timeout', message: 'Nobody ended it in time' },
  });
});

it('is ended by a call only where it waits for a person', async () => {
  const { task_id } = await submit('sum', { a: 1, b: 2 }, { delay_seconds: 600 });
  expect(await post(`/tasks/${task_id}/complete`, {})).toMatchObject([
    409,
    { code: 'type_not_manual' },
  ]);
  expect((await post('/tasks/01a2162d-0000-7000-8000-000000000000/complete', {}))[0]).toBe(404);
});
