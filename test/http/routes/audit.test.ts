import { expect, it } from 'vitest';
import { call } from '../../support/client.ts';
import { storeKey } from '../../support/keys.ts';

interface Entry {
  id: string;
  owner: string;
  key_id: string | null;
  action: string;
  subject: string | null;
  ip: string | null;
  request_id: string;
}
const list = async (query = '', headers: Record<string, string> = {}) =>
  (await call(`/audit${query}`, { headers })).json<{
    entries: Entry[];
    pagination: { next_cursor: string | null };
  }>();

it('has who did what, when and from where', async () => {
  const admin = await storeKey('audited', ['admin']);
  const headers = {
    Authorization: `Bearer ${admin.key}`,
    'CF-Connecting-IP': '203.0.113.9',
    'X-Request-Id': 'the-request',
  };
  const json = { name: 'n', scopes: ['tasks:read'] };
  const { id } = await (await call('/keys', { json, headers })).json<{ id: string }>();
  await call('/keys', { json: { replaces: id }, headers });
  await call(`/keys/${id}`, { method: 'DELETE', headers });
  await call('/webhook-secret/rotate', { method: 'POST', headers });
  await call('/api/tasks/purge', { method: 'POST', headers });
  const { entries } = await list('', headers);
  expect(entries.map(({ action }) => action)).toEqual([
    'tasks.purged',
    'webhook_secret.rotated',
    'key.revoked',
    'key.rotated',
    'key.created',
  ]);
  expect(entries.at(-1)).toMatchObject({
    owner: 'audited',
    key_id: admin.id,
    subject: id,
    ip: '203.0.113.9',
    request_id: 'the-request',
  });
});

it('shows an admin its own owner, an operator all, page by page', async () => {
  const one = await storeKey('audit-one', ['admin']);
  const two = await storeKey('audit-two', ['admin']);
  const rotate = ({ key }: { key: string }) =>
    call('/webhook-secret/rotate', { method: 'POST', headers: { Authorization: `Bearer ${key}` } });
  for (const key of [one, two, one]) await rotate(key);
  const own = await list('', { Authorization: `Bearer ${one.key}` });
  expect(own.entries.map(({ owner }) => owner)).toEqual(['audit-one', 'audit-one']);
  const asOne = { Authorization: `Bearer ${one.key}` };
  expect((await call('/audit?owner=audit-two', { headers: asOne })).status).toBe(403);
  expect((await list('?owner=audit-two')).entries).toHaveLength(1);
  const first = await list('?page_size=2');
  expect(first.entries).toHaveLength(2);
  const second = await list(`?page_size=2&cursor=${first.pagination.next_cursor}`);
  expect((second.entries[0]?.id ?? '~') < (first.entries[1]?.id ?? '')).toBe(true);
});

it('has what is done to queues', async () => {
  await call('/queues/external-low/pause', { method: 'POST' });
  await call('/queues/external-low/resume', { method: 'POST' });
  const { entries } = await list('?page_size=2');
  expect(entries.map(({ action, subject }) => [action, subject])).toEqual([
    ['queue.resumed', 'external-low'],
    ['queue.paused', 'external-low'],
  ]);
});
