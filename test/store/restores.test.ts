import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createRestores } from '../../src/store/restores.ts';
import { aTask, rowOf } from '../support/rows.ts';

const restores = createRestores(env.DB);
const ended = (more: Parameters<typeof aTask>[0] = {}) => ({
  ...aTask(more),
  status: 'FAILED' as const,
  completed_at: 5,
  held: null,
  wake_at: null,
});

it('puts rows back as they were, held by nothing, and notifies nobody', async () => {
  const callbackUrl = 'https://example.com/';
  const row = { ...ended({ callbackUrl, uniqueKey: 'key:k' }), failure_sinks: '["failure_email"]' };
  const given = { ...row, held: 'limit' as const, turn: 'x', slot: 5, wake_at: 9 };
  expect(await restores.insert([given])).toEqual(new Set([row.id]));
  expect(await rowOf(row.id)).toEqual(row);
  expect(await env.DB.prepare('SELECT count(*) AS n FROM deliveries').first('n')).toBe(0);
  expect(await env.DB.prepare('SELECT count(*) AS n FROM unique_keys').first('n')).toBe(0);
});

it('leaves what is there, and whoever has the idempotency key', async () => {
  const row = ended({ idempotencyKey: 'once' });
  await restores.insert([row]);
  const other = ended({ idempotencyKey: 'once' });
  expect(await restores.insert([{ ...row, title: 'other' }, other])).toEqual(new Set());
  expect((await rowOf(row.id)).title).toBeNull();
});

it('takes none that has not ended, nor a row that the schema refuses', async () => {
  await expect(restores.insert([aTask()])).rejects.toThrow('has not ended');
  await expect(restores.insert([{ ...ended(), attempts: null as never }])).rejects.toThrow();
});
