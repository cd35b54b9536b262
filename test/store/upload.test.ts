import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { PART_BYTES } from '../../src/store/parts.ts';
import { uploadObject } from '../../src/store/upload.ts';
import { byteBudget } from '../support/deps.ts';

const write = async function* (...sizes: number[]) {
  for (const size of sizes) yield new Uint8Array(size).fill(7);
};
const options = { maxBytes: 3 * PART_BYTES, budget: byteBudget };
const sizeOf = async (key: string) => (await env.FILES.head(key))?.size ?? null;

it.each([[[0]], [[5, 6]], [[PART_BYTES]], [[PART_BYTES, PART_BYTES, 3]]])(
  'writes %j bytes',
  async (sizes) => {
    const key = `upload/${sizes.join('-')}`;
    const saved = await uploadObject(env.FILES, key, write(...sizes), options);
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    expect([saved?.size, await sizeOf(key)]).toEqual([bytes, bytes]);
  },
);

it('keeps nothing of what is too large, breaks off, or may not complete', async () => {
  const tooLarge = uploadObject(env.FILES, 'none', write(PART_BYTES, 3 * PART_BYTES), options);
  await expect(tooLarge).rejects.toMatchObject({ code: 'body_too_large' });
  const broken = async function* () {
    yield* write(PART_BYTES, 3);
    throw new Error('gone');
  };
  await expect(uploadObject(env.FILES, 'none', broken(), options)).rejects.toThrow('gone');
  const mayComplete = async () => false;
  const refused = { ...options, mayComplete };
  expect(await uploadObject(env.FILES, 'none', write(PART_BYTES, 3), refused)).toBeNull();
  const onlyIf = { etagMatches: 'another' };
  expect(await uploadObject(env.FILES, 'none', write(3), { ...options, onlyIf })).toBeNull();
  expect(await sizeOf('none')).toBeNull();
});
