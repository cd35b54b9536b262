import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createShardFigures } from '../../src/store/shard-figures.ts';
import { aTask, store } from '../support/rows.ts';

const NOW = 1_900_000_000_000;
const figures = createShardFigures(env.DB);

it('counts owners that have tasks, and tasks of the last minute', async () => {
  expect(await figures.read(NOW)).toMatchObject({ owners: 0, submitted: 0 });
  const at = (owner: string, ms: number) => store(aTask({ owner }, ms));
  await at('ann', NOW - 1_000);
  await at('ann', NOW - 59_000);
  await at('bob', NOW - 61_000);
  await at('__proto__', NOW - 5);
  const read = await figures.read(NOW);
  expect(read).toMatchObject({ owners: 3, submitted: 3 });
  expect(read.bytes).toBeGreaterThan(50_000);
});
