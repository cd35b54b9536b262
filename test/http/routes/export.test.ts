import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ExportEnd } from '../../../src/domain/export-line.ts';
import type { Task } from '../../../src/domain/task.ts';
import { call, finished, submit } from '../../support/client.ts';
import { storeKey } from '../../support/keys.ts';
import { aTask, OWNER, store } from '../../support/rows.ts';

const KB = 1_024;
type Row = Record<string, unknown>;
const readLines = async (path: string): Promise<{ lines: string[]; end: ExportEnd }> => {
  const response = await call(path);
  expect(response.status).toBe(200);
  const lines = (await response.text()).trimEnd().split('\n');
  const { end } = JSON.parse(lines.pop() ?? '{}') as { end: ExportEnd };
  return { lines, end };
};
const readRows = async (): Promise<Row[]> =>
  (await env.DB.prepare('SELECT * FROM tasks ORDER BY owner, id').all<Row>()).results;
const clear = () => env.DB.prepare('DELETE FROM tasks').run();
const restore = async (text: string) => {
  const { key } = await storeKey('ops', ['operator']);
  const headers = { Authorization: `Bearer ${key}` };
  return call('/restore', { method: 'POST', body: text, headers });
};
const end = (columns: Partial<Task>) => {
  const sets = Object.keys(columns).map((column) => `${column} = ?`);
  return env.DB.prepare(`UPDATE tasks SET wake_at = NULL, held = NULL, ${sets.join(', ')}`)
    .bind(...Object.values(columns))
    .run();
};

beforeEach(clear);

describe('an export', () => {
  it('has every task that a filter finds, once, oldest first, and restores equal', async () => {
    const many = Array.from({ length: 2_500 }, (_, i) => aTask({ params: { a: i, b: i % 2 } }));
    for (let from = 0; from < many.length; from += 500)
      await store(...many.slice(from, from + 500));
    await end({ status: 'COMPLETED', completed_at: 5, result: '{"n":1.0}', attempt: 1 });
    const { lines, end: last } = await readLines('/export');
    expect(last).toEqual({ tasks: 2_500, next_cursor: null, truncated: false });
    const ids = lines.map((line) => (JSON.parse(line) as { task_id: string }).task_id);
    expect(ids).toEqual(many.map(({ id }) => id).toSorted());
    const odd = await readLines('/export?params.b=1&type=sum');
    expect(odd.end.tasks).toBe(1_250);
    const rest = await readLines(`/export?cursor=${ids[2_000]}`);
    expect(rest.end.tasks).toBe(499);
    const before = await readRows();
    await clear();
    for (let from = 0; from < lines.length; from += 500) {
      const answer = await restore(lines.slice(from, from + 500).join('\n'));
      expect(await answer.json()).toEqual({ restored: 500, skipped: 0 });
    }
    expect(await readRows()).toEqual(before);
    const again = await restore(lines.slice(0, 3).join('\n'));
    expect(await again.json()).toEqual({ restored: 0, skipped: 3 });
  });

  it('has all of a task that ran: history, keys, checkpoints, large bodies', async () => {
    await call('/task-types/exported', {
      method: 'PUT',
      json: { description: 'For a test', run: { manual: {} } },
    });
    const params = { text: 'é'.repeat(20 * KB) };
    const more = { title: 'Ä "b"', tags: ['x'], callback_url: 'https://receiver.example/' };
    const task = await submit('exported', params, { ...more, unique: { key: 'k' } });
    const result = { list: 'y'.repeat(30 * KB) };
    await call(`/tasks/${task.task_id}/complete`, { json: { result } });
    await env.DB.prepare(
      `UPDATE tasks SET checkpoint = '{"at":1}', identifiers = '["ord-4711"]'`,
    ).run();
    const { lines } = await readLines('/export');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ task_id: task.task_id, params, result });
    const [before] = await readRows();
    await clear();
    expect(await (await restore(lines.join('\n'))).json()).toEqual({ restored: 1, skipped: 0 });
    const [after] = await readRows();
    const withoutStubs = (row: Row | undefined) => ({ ...row, params: null, result: null });
    expect(withoutStubs(after)).toEqual(withoutStubs(before));
    expect(await finished(task.task_id)).toMatchObject({ params, result });
    // Nobody is told again, and no key is taken.
    expect(await env.DB.prepare('SELECT count(*) AS n FROM deliveries').first('n')).toBe(0);
    expect(await env.DB.prepare('SELECT count(*) AS n FROM unique_keys').first('n')).toBe(0);
    const found = await (await call('/tasks?q=ord-4711')).json();
    expect(found).toMatchObject({ tasks: [{ task_id: task.task_id }] });
  });

  it('streams what is larger than an answer, and takes it back', async () => {
    await call('/task-types/huge', {
      method: 'PUT',
      json: { description: 'For a test', run: { manual: {} } },
    });
    const params = { text: 'x'.repeat(2 * KB * KB) };
    const task = await submit('huge', params);
    await call(`/tasks/${task.task_id}/cancel`, { method: 'POST' });
    const { lines } = await readLines('/export?type=huge');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ params });
    expect((await restore(lines[0] ?? '')).status).toBe(413);
    await clear();
    const { key } = await storeKey('ops', ['operator']);
    const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' };
    const put = await call(`/restore/${OWNER}/${task.task_id}`, {
      method: 'PUT',
      body: JSON.stringify(params),
      headers,
    });
    const stub = JSON.stringify(await put.json());
    const line = (lines[0] ?? '')
      .replace(JSON.stringify(params), stub)
      .replace(/"bytes":\{"params":\d+/, `"bytes":{"params":${stub.length}`);
    const unsent = line.replace(/"name":"0-../, '"name":"0-xx');
    expect((await restore(unsent)).status).toBe(422);
    expect(await (await restore(line)).json()).toEqual({ restored: 1, skipped: 0 });
    expect(await (await call(`/tasks/${task.task_id}/params`)).json()).toEqual(params);
  });

  it('refuses what is none, what has not ended, and who is no operator', async () => {
    await store(aTask());
    const { lines } = await readLines('/export');
    const running = await restore(lines[0] ?? '');
    expect([running.status, await running.json()]).toMatchObject([
      422,
      { errors: [{ path: 'lines.0', message: 'The task has not ended' }] },
    ]);
    expect((await restore('{"a":1}')).status).toBe(422);
    const { key } = await storeKey(OWNER, ['admin']);
    const headers = { Authorization: `Bearer ${key}` };
    expect((await call('/restore', { method: 'POST', body: lines[0] ?? '', headers })).status).toBe(
      403,
    );
  });

  it('says when it passed bodies that no filter looks into', async () => {
    await call('/task-types/blind', {
      method: 'PUT',
      json: { description: 'For a test', run: { worker: {} } },
    });
    await submit('blind', { text: 'x'.repeat(20 * KB), n: 1 });
    const { end: last } = await readLines('/export?params.n=1');
    expect(last).toEqual({ tasks: 0, next_cursor: null, truncated: true });
  });
});
