import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { call, finished, healthOf } from '../../support/client.ts';
import { observeDatabase } from '../../support/database.ts';

const run = (task_name: string, task_parameters?: unknown) =>
  call('/run-task', { json: { task_name, task_parameters } });
const output = async (id: string) =>
  (await call(`/get-task-output?task_uuid=${id}`)).json<Record<string, unknown>>();

describe('/run-task', () => {
  it('runs a task and gives its output, under the name that was used', async () => {
    const response = await run('sum_two_numbers', { a: 5, b: 3 });
    expect(response.status).toBe(202);
    const { task_uuid, ...rest } = await response.json<{ task_uuid: string }>();
    expect(rest).toEqual({ message: 'Task submitted successfully' });
    const { submitted_at, completed_at } = await finished(task_uuid);
    const expected = {
      task_uuid,
      task_name: 'sum_two_numbers',
      status: 'completed',
      task_output: { operation: 'sum', a: 5, b: 3, result: 8 },
      error_message: null,
      created_at: submitted_at,
      completed_at,
    };
    // Once from the database, once from the cache.
    expect([await output(task_uuid), await output(task_uuid)]).toEqual([expected, expected]);
  });

  it('tells why a task failed', async () => {
    const { task_uuid } = await (await run('broken')).json<{ task_uuid: string }>();
    expect(['pending', 'running']).toContain((await output(task_uuid))['status']);
    await finished(task_uuid);
    expect(await output(task_uuid)).toMatchObject({
      task_name: 'broken',
      status: 'failed',
      task_output: null,
      error_message: 'This task always fails; this was attempt 3',
    });
  });

  it('refuses in its own words', async () => {
    const refused = await run('sum', { a: 'x', b: 1 });
    expect([refused.status, await refused.json()]).toMatchObject([
      422,
      { errors: [{ path: 'task_parameters.a' }] },
    ]);
    expect(await (await run('nonsense')).json()).toMatchObject({
      code: 'unknown_type',
      errors: [{ path: 'task_name' }],
    });
    expect((await call('/get-task-output?task_uuid=nonsense')).status).toBe(422);
    expect((await call('/get-task-output')).status).toBe(422);
    expect(
      (await call('/get-task-output?task_uuid=0199b3c2-0000-7000-8000-000000000000')).status,
    ).toBe(404);
  });
});

describe('/health', () => {
  it('answers that all is well, without a key', async () => {
    expect(await healthOf(200)).toMatchObject({
      status: 'ok',
      checks: { database: 'ok', accepting: 'ok', queues: 'ok', cache: 'ok' },
    });
  });

  it('reads the database once in 5 s, however often it is asked', async () => {
    await new Promise((resolve) => setTimeout(resolve, 5_100));
    const { asked, stop } = observeDatabase();
    await Promise.all(Array.from({ length: 50 }, () => call('/health')));
    stop();
    // Once of each that there is.
    const databases = Object.keys(env).filter((name) => /^DB(_\d+)?$/.test(name));
    expect(asked.map(({ name }) => name)).toEqual(databases.map(() => 'counts.health'));
  });
});
