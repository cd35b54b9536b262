import { env } from 'cloudflare:workers';
import { expect, it, vi } from 'vitest';
import type { TaskView } from '../../../src/domain/view.ts';
import { call } from '../../support/client.ts';
import { storeKey } from '../../support/keys.ts';
import { flushCounts } from '../../support/metrics.ts';

const setUp = async (owner: string) => {
  const { key } = await storeKey(owner, ['admin']);
  const headers = { Authorization: `Bearer ${key}` };
  const wait = { ...headers, Prefer: 'wait=10' };
  await call('/files/in.csv', { method: 'PUT', body: 'a,b\n1,2\n', headers });
  const params = { file: 'in.csv', operation: 'convert', to: 'json' };
  const json = { type: 'file_processing', params };
  const task = await (await call('/tasks', { json, headers: wait })).json<TaskView>();
  const { output } = task.result as { output: string };
  return { headers, task, output };
};
const filesOf = async (headers: Record<string, string>): Promise<string[]> => {
  const { files } = await (await call('/files', { headers })).json<{ files: { name: string }[] }>();
  return files.map(({ name }) => name);
};

it('a task takes along what it wrote, however it is deleted', async () => {
  for (const remove of [
    (headers: Record<string, string>, id: string) =>
      call(`/tasks/${id}`, { method: 'DELETE', headers }),
    (headers: Record<string, string>) => call('/api/tasks/purge', { method: 'POST', headers }),
    (headers: Record<string, string>) =>
      call('/tasks/actions', {
        json: { action: 'delete', filter: { type: ['file_processing'] } },
        headers,
      }),
  ]) {
    const { headers, task, output } = await setUp('deletes');
    expect(await filesOf(headers)).toContain(output);
    await remove(headers, task.task_id);
    await vi.waitFor(async () => expect(await filesOf(headers)).toEqual(['in.csv']), {
      timeout: 5_000,
    });
  }
});

/** Every table that has an owner, but for the two that keep what must outlive one. */
const listOwned = async (): Promise<string[]> => {
  const ask = async (sql: string) =>
    (await env.DB.prepare(sql).all<{ name: string }>()).results.map(({ name }) => name);
  const owned: string[] = [];
  const tables = await ask(`SELECT name FROM sqlite_master WHERE type = 'table'`);
  for (const table of tables.filter((name) => !/^(_cf|sqlite)_/.test(name)))
    if ((await ask(`PRAGMA table_info(${table})`)).includes('owner')) owned.push(table);
  expect(owned).toContain('task_types');
  return owned.filter((table) => table !== 'keys' && table !== 'owners');
};
const countOf = (table: string, owner: string) =>
  env.DB.prepare(`SELECT count(*) AS n FROM ${table} WHERE owner = ?1`).bind(owner).first('n');

it('is erased as a whole: tasks, files, figures, keys, audit log', async () => {
  const { headers, task } = await setUp('leaver');
  await call('/webhook-secret/rotate', { method: 'POST', headers });
  const definition = { description: 'Theirs', run: { worker: {} } };
  await call('/task-types/theirs', { method: 'PUT', json: definition, headers });
  await call('/errors/0123456789abcdef/mute', { method: 'POST', headers });
  await call('/work', { json: { worker: 'theirs', types: ['theirs'] }, headers });
  expect(await countOf('task_types', 'leaver')).toBe(1);
  const secretOf = async (as: Record<string, string>): Promise<unknown> =>
    (await (await call('/webhook-secret', { headers: as })).json<{ secret: string }>()).secret;
  const secret = await secretOf(headers);
  await flushCounts();
  const response = await call('/owners/leaver', { method: 'DELETE' });
  expect([response.status, await response.json()]).toEqual([
    200,
    { owner: 'leaver', tasks: 1, files: 1 },
  ]);
  expect((await call('/tasks', { headers })).status).toBe(401);
  const fresh = await storeKey('leaver', ['admin']);
  const again = { Authorization: `Bearer ${fresh.key}` };
  expect((await call(`/tasks/${task.task_id}`, { headers: again })).status).toBe(404);
  expect(await filesOf(again)).toEqual([]);
  const stats = await (await call('/stats', { headers: again })).json<{ minutes: object[] }>();
  expect(stats.minutes).toEqual([]);
  const audit = await (await call('/audit', { headers: again })).json<{ entries: object[] }>();
  expect(audit.entries).toEqual([]);
  for (const table of await listOwned())
    expect([table, await countOf(table, 'leaver')]).toEqual([table, 0]);
  // Who bears the name next is not who bore it before.
  expect(await secretOf(again)).not.toBe(secret);
  const mine = await (await call('/audit?page_size=1')).json<{ entries: object[] }>();
  expect(mine.entries).toMatchObject([{ action: 'owner.erased', subject: 'leaver' }]);
});

it('may erase itself, once, and tells operators alone', async () => {
  const { headers } = await setUp('self-leaver');
  const erase = () => call('/owners/self-leaver', { method: 'DELETE', headers });
  expect([(await erase()).status, (await erase()).status]).toEqual([200, 401]);
  const next = await storeKey('self-leaver', ['admin']);
  const audit = await call('/audit', { headers: { Authorization: `Bearer ${next.key}` } });
  expect(await audit.json()).toMatchObject({ entries: [] });
  const all = await (await call('/audit?page_size=1')).json<{ entries: object[] }>();
  expect(all.entries).toMatchObject([{ owner: 'erased', subject: 'self-leaver' }]);
});

it('counts an owner’s files, and refuses what is beyond the limit', async () => {
  const { headers } = await setUp('hoarder');
  const bytes = async (): Promise<unknown> =>
    env.DB.prepare(`SELECT file_bytes FROM owners WHERE owner = 'hoarder'`).first('file_bytes');
  const before = Number(await bytes());
  await call('/files/x', { method: 'PUT', body: 'x'.repeat(1_000), headers });
  expect(await bytes()).toBe(before + 1_000);
  await call('/files/x', { method: 'PUT', body: 'x'.repeat(300), headers });
  expect(await bytes()).toBe(before + 300);
  await env.DB.prepare(`UPDATE owners SET file_bytes = 1e12 WHERE owner = 'hoarder'`).run();
  // It seems to be full: the files themselves are counted, and there is room.
  expect((await call('/files/y', { method: 'PUT', body: 'y', headers })).status).toBe(201);
  expect(await bytes()).toBe(before + 301);
  await call('/files/x', { method: 'DELETE', headers });
  expect(await bytes()).toBe(before + 1);
});
