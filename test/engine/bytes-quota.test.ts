import { expect, it } from 'vitest';
import { toStub } from '../../src/domain/body.ts';
import { createBytesQuota } from '../../src/engine/bytes-quota.ts';

const setup = (maxBytes: number, usage: { rows: number; database: number }) => {
  let now = 0;
  let reads = 0;
  const quota = createBytesQuota({
    readUsage: async () => {
      reads += 1;
      return { bodies: 0, ...usage };
    },
    maxBytes,
    limitBytes: 10e9,
    now: () => now,
  });
  const tryReserve = (bytes: number, owner = 'a') =>
    quota.tryReserve([{ owner, params: 'x'.repeat(bytes - 450) }]);
  return { tryReserve, reads: () => reads, pass: (ms: number) => void (now += ms) };
};

it('looks at nothing for small tasks', async () => {
  const { tryReserve, reads } = setup(5e9, { rows: 4e9, database: 4e9 });
  for (let i = 0; i < 200; i += 1) expect(await tryReserve(1_000)).toBe(true);
  expect(reads()).toBe(0);
});

it('refuses beyond the limit, each owner for itself, and lets in when there is room again', async () => {
  const usage = { rows: 9_000_000, database: 0 };
  const { tryReserve, pass, reads } = setup(10_000_000, usage);
  expect(await tryReserve(900_000)).toBe(true);
  expect(await tryReserve(200_000)).toBe(false);
  expect(await tryReserve(900_000, 'b')).toBe(true);
  for (let i = 0; i < 50; i += 1) await tryReserve(200_000);
  expect(reads()).toBe(2);
  usage.rows = 1_000_000;
  pass(6_000);
  expect(await tryReserve(200_000)).toBe(true);
});

it('keeps a reserve for those who have little when the database is nearly full', async () => {
  const greedy = setup(5e9, { rows: 600_000_000, database: 8.5e9 });
  expect(await greedy.tryReserve(900_000)).toBe(false);
  const modest = setup(5e9, { rows: 1_000_000, database: 8.5e9 });
  expect(await modest.tryReserve(900_000)).toBe(true);
});

it('counts large bodies, of a stub what it stands for, and not to the database', async () => {
  const stub = (bytes: number) => toStub({ bytes, name: '0-a' });
  const quota = createBytesQuota({
    readUsage: async () => ({ rows: 1_000_000, bodies: 7_000_000, database: 9e9 }),
    maxBytes: 10_000_000,
    limitBytes: 10e9,
    now: () => 0,
  });
  expect(await quota.tryReserve([{ owner: 'a', params: stub(3_000_000) }])).toBe(false);
  expect(await quota.tryReserve([{ owner: 'a', params: stub(1_500_000) }])).toBe(true);
});
