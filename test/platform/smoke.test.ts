import { env, exports } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { smokeTest, type SmokeDeps } from '../../scripts/deploy/smoke.ts';

const setup = (more: Partial<SmokeDeps> = {}): SmokeDeps => ({
  // As the deployed database would carry it out.
  run: async (args) => {
    for (const sql of (args.at(-1) ?? '').split('; ')) await env.DB.prepare(sql).run();
    return { code: 0, output: '' };
  },
  fetch: (input, init) => exports.default.fetch(new Request(input, init)),
  now: Date.now,
  wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms / 10)),
  ...more,
});
const left = () =>
  env.DB.prepare(
    `SELECT (SELECT count(*) FROM keys WHERE owner LIKE 'smoke-%') + (SELECT count(*) FROM tasks WHERE owner LIKE 'smoke-%') AS n`,
  ).first('n');

it('runs a task on the service by a key of its own, and leaves nothing behind', async () => {
  expect(await smokeTest('http://localhost:8787', setup())).toBeGreaterThan(0);
  expect(await left()).toBe(0);
});

it('tells what the service answered, and leaves nothing behind', async () => {
  let time = 0;
  const broken = setup({
    fetch: async () => new Response('upstream broke', { status: 502 }),
    now: () => (time += 10_000),
  });
  await expect(smokeTest('http://localhost:8787', broken)).rejects.toThrow('502: upstream broke');
  expect(await left()).toBe(0);
});
