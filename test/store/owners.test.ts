import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { makeKey } from '../../src/domain/make-key.ts';
import { createKeyStore } from '../../src/store/keys.ts';
import { createOwnerStore } from '../../src/store/owners.ts';
import { aTask, store } from '../support/rows.ts';

const owners = createOwnerStore(env.DB);

it.each(['ann', '__proto__', 'constructor', 'toString'])(
  'knows nothing of %s yet',
  async (name) => {
    expect(await owners.get(name)).toEqual({
      owner: name,
      task_bytes: 0,
      body_bytes: 0,
      file_bytes: 0,
      webhook_version: 0,
      webhook_rotated_at: null,
    });
  },
);

it('counts bytes of files, never below nothing', async () => {
  await owners.addFileBytes('ann', 5);
  await owners.addFileBytes('ann', -9);
  expect(await owners.get('ann')).toMatchObject({ file_bytes: 0 });
  await owners.addFileBytes('new', -9);
  expect(await owners.get('new')).toMatchObject({ file_bytes: 0 });
});

it('counts the bytes of tasks as they come and go', async () => {
  const task = aTask({ owner: 'big', params: { text: 'x'.repeat(10_000) } });
  await store(task);
  const { rows, database } = await owners.readUsage('big');
  expect(rows).toBeGreaterThan(10_000);
  expect(rows).toBeLessThan(13_000);
  expect(database).toBeGreaterThan(rows);
  await env.DB.prepare('DELETE FROM tasks WHERE owner = ?1').bind('big').run();
  expect(await owners.readUsage('big')).toMatchObject({ rows: 0 });
});

it('rotates to one version more', async () => {
  expect(await owners.rotateWebhookSecret('ann', 5)).toMatchObject({ webhook_version: 1 });
  expect(await owners.rotateWebhookSecret('ann', 9)).toMatchObject({
    webhook_version: 2,
    webhook_rotated_at: 9,
  });
});

it('erases an owner, but its keys stay as revoked ones of nobody', async () => {
  const keys = createKeyStore(env.DB);
  const fields = {
    owner: 'gone',
    name: 'laptop of Ann',
    scopes: ['admin' as const],
    expiresAt: null,
  };
  const { row } = await makeKey(fields, 1_000);
  await keys.insert(row);
  await owners.addFileBytes('gone', 5);
  await owners.erase('gone', 9_000);
  expect(await owners.get('gone')).toMatchObject({ file_bytes: 0 });
  expect(await keys.findByHash(row.hash)).toMatchObject({
    owner: 'erased',
    name: 'erased',
    revoked_at: 9_000,
  });
});
