import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import type { AuditEntry } from '../../src/domain/audit.ts';
import { createAuditStore } from '../../src/store/audit.ts';

const audit = createAuditStore(env.DB);
const entry = (id: string, owner: string): AuditEntry => ({
  id,
  owner,
  at: 1_000,
  action: 'queue.paused',
  key_id: 'k1',
  ip: null,
  request_id: null,
  subject: 'default-medium',
});

it('lists the newest first, of one owner or of all, page by page', async () => {
  for (const [id, owner] of [
    ['1', 'ann'],
    ['2', 'bob'],
    ['3', 'ann'],
  ] as const)
    await audit.add(entry(id, owner));
  const ids = (entries: AuditEntry[]) => entries.map(({ id }) => id);
  expect(ids(await audit.list(null, 10))).toEqual(['3', '2', '1']);
  expect(ids(await audit.list('ann', 10))).toEqual(['3', '1']);
  expect(ids(await audit.list(null, 1, '3'))).toEqual(['2']);
  expect(ids(await audit.list('nobody', 10))).toEqual([]);
});
