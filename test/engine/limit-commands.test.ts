import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import { createLimitCommands } from '../../src/engine/limit-commands.ts';
import { createLimitStore } from '../../src/store/limits.ts';
import { observeDatabase } from '../support/database.ts';
import { NO_NUMBERS } from '../support/limits.ts';

const NOW = 1_900_000_000_000;

afterEach(() => vi.restoreAllMocks());

const setup = () => {
  const touched: (string | null)[] = [];
  let time = NOW;
  const commands = createLimitCommands({
    limits: createLimitStore(env.DB),
    admission: {
      admitAfter: async (tasks) => void touched.push(...tasks.map((each) => each.limit_key)),
    },
    now: () => time,
  });
  return { ...commands, touched, pass: (ms: number) => void (time += ms) };
};
const wish = (key: string) => ({ key, subKey: '', numbers: NO_NUMBERS });

it('lets go at once what each change allows', async () => {
  const { put, pause, resume, remove, touched } = setup();
  await put('o', 'k', NO_NUMBERS);
  await pause('o', 'k', NOW + 1_000);
  await resume('o', 'k');
  await remove('o', 'k');
  expect(touched).toEqual(['k', 'k', 'k', 'k']);
  await expect(pause('o', 'k', NOW)).rejects.toMatchObject({ code: 'limit_not_found' });
  await expect(resume('o', 'k')).rejects.toMatchObject({ code: 'limit_not_found' });
  await expect(remove('o', 'k')).rejects.toMatchObject({ code: 'limit_not_found' });
});

it('looks once in a while whether the limits of submits are there', async () => {
  const { ensure, remove, pass } = setup();
  const observed = observeDatabase();
  await ensure('e', [wish('a'), wish('b'), wish('a')]);
  await ensure('e', [wish('a')]);
  expect(observed.asked).toHaveLength(2);
  pass(10_000);
  await ensure('e', [wish('a')]);
  expect(observed.asked).toHaveLength(4);
  await remove('e', 'b');
  await ensure('e', [wish('b')]);
  observed.stop();
  const { results } = await env.DB.prepare(`SELECT key FROM limits WHERE owner = 'e'`).all();
  expect(results).toHaveLength(2);
});

it('refuses one limit too many', async () => {
  const { ensure } = setup();
  const all = Array.from({ length: 1_000 }, (_, i) => wish(`k${i}`));
  await ensure('full', all);
  await expect(ensure('full', [wish('more')])).rejects.toMatchObject({ code: 'too_many_limits' });
});
