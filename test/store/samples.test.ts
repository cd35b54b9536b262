import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createSampleStore } from '../../src/store/samples.ts';
import { findFieldPaths } from '../../src/domain/field-paths.ts';
import { aTask, OWNER, store } from '../support/rows.ts';

it('tells by what the newest tasks can be filtered, and leaves large ones out', async () => {
  await store(
    aTask({ params: { city: 'Lisbon', data: [{ order_id: 7 }], 'a.b': 1 } }),
    aTask({ params: { city: 'Porto' } }),
    aTask({ params: { text: 'x'.repeat(3_000) } }),
    aTask({ params: { other: 1 }, type: 'simulate' }),
  );
  const samples = createSampleStore(env.DB);
  const paths = async (types?: string[]) =>
    findFieldPaths((await samples.read(OWNER, types)).tasks).map(({ path, tasks }) => [
      path,
      tasks,
    ]);
  expect(await paths(['sum'])).toEqual([
    ['params.city', 2],
    ['params.data.0.order_id', 1],
  ]);
  expect(await paths(['simulate'])).toEqual([['params.other', 1]]);
});
