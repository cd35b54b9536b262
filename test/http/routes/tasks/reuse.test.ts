import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import type { TaskView } from '../../../../src/domain/view.ts';
import { call, finished, submit } from '../../../support/client.ts';
import { observeDatabase } from '../../../support/database.ts';

const TYPE = 'longest_consecutive_letters';
const post = (params: object, more: object = {}): Promise<Response> =>
  call('/tasks', { json: { type: TYPE, params, ...more } });

it('answers a repeated submit at once with the output that is there', async () => {
  const first = await finished((await submit(TYPE, { string: 'reuse me aa' })).task_id);
  const response = await post({ string: 'reuse me aa' });
  const second = await response.json<TaskView>();
  expect(response.status).toBe(200);
  expect(second).toMatchObject({
    status: 'COMPLETED',
    reused_from: first.task_id,
    result: first.result,
    attempt: 0,
  });
  expect(second.task_id).not.toBe(first.task_id);
  expect(await (await call(`/tasks/${second.task_id}`)).json()).toMatchObject({
    ...second,
    attempts: [],
  });
  // What was itself an answer is not a source: its age would never end.
  const third = await (await post({ string: 'reuse me aa' })).json<TaskView>();
  expect(third.reused_from).toBe(first.task_id);
});

it('runs it again when asked to, later, with other parameters, or for another type', async () => {
  await finished((await submit(TYPE, { string: 'bypass' })).task_id);
  expect((await post({ string: 'bypass' }, { reuse: false })).status).toBe(202);
  expect((await post({ string: 'bypass' }, { delay_seconds: 60 })).status).toBe(202);
  expect((await post({ string: 'bypass!' })).status).toBe(202);
  await finished((await submit('sum', { a: 1, b: 1 })).task_id);
  expect((await call('/tasks', { json: { type: 'sum', params: { a: 1, b: 1 } } })).status).toBe(
    202,
  );
});

it('uses no output that is too old, failed, or of another owner', async () => {
  const { task_id } = await finished((await submit(TYPE, { string: 'stale' })).task_id);
  const set = (change: string) =>
    env.DB.prepare(`UPDATE tasks SET ${change} WHERE id = ?`).bind(task_id).run();
  await set('completed_at = completed_at - 86401000');
  expect((await post({ string: 'stale' }, { reuse: true })).status).toBe(202);
  const other = await finished((await submit(TYPE, { string: 'not mine' })).task_id);
  await env.DB.prepare(`UPDATE tasks SET owner = 'another' WHERE id = ?`).bind(other.task_id).run();
  expect((await post({ string: 'not mine' })).status).toBe(202);
});

it('is found by the index, and costs other types nothing', async () => {
  await finished((await submit(TYPE, { string: 'by index' })).task_id);
  const { asked, stop } = observeDatabase();
  await post({ string: 'by index' });
  await post({ string: 'not there' });
  await submit('sum', { a: 1, b: 1 });
  stop();
  const reads = asked.filter(({ name }) => name === 'tasks.find_reusable');
  expect(reads).toHaveLength(2);
  for (const { rowsRead } of reads) expect(rowsRead).toBeLessThanOrEqual(4);
});

it('takes equal parameters for equal, however they are written', async () => {
  const response = await call('/tasks', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: `{"type":"find_${TYPE}","params":{"string":"\\u0061lias aa"}}`,
  });
  await finished((await response.json<TaskView>()).task_id);
  expect((await post({ string: 'alias aa' })).status).toBe(200);
});
