import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createFileStore } from '../../src/store/files.ts';
import { byteBudget } from '../support/deps.ts';

const files = createFileStore(env.FILES, byteBudget);
const MB = 1_048_576;
const options = { contentType: 'text/plain', maxBytes: 20 * MB };
const write = async function* (...sizes: number[]) {
  for (const size of sizes) yield new Uint8Array(size).fill(65);
};

it.each([[[0]], [[5]], [[5 * MB]], [[3 * MB, 4 * MB, 1]], [[11 * MB]]])(
  'reads back what was written in pieces of %j bytes',
  async (sizes) => {
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    expect(await files.save('owner', 'f', write(...sizes), options)).toMatchObject({ bytes });
    const found = await files.open('owner', 'f');
    expect((await new Response(found?.body).arrayBuffer()).byteLength).toBe(bytes);
    expect(found?.info.content_type).toBe('text/plain');
  },
);

it('keeps nothing of a file that is too large', async () => {
  const large = files.save('owner', 'large', write(6 * MB, 6 * MB), {
    ...options,
    maxBytes: 10 * MB,
  });
  await expect(large).rejects.toMatchObject({ code: 'body_too_large' });
  expect(await files.info('owner', 'large')).toBeNull();
});

it('shows an owner no file of another, whatever its name', async () => {
  await files.save('a', 'x', write(1), options);
  await files.save('a/b', 'x', write(1), options);
  expect((await files.list('a', 10)).files.map(({ name }) => name)).toEqual(['x']);
  expect(await files.open('b', 'x')).toBeNull();
  expect([await files.remove('a', 'x'), await files.remove('a', 'x')]).toEqual([true, false]);
});

it('lists page by page', async () => {
  for (const name of ['1', '2', '3']) await files.save('pages', name, write(1), options);
  const first = await files.list('pages', 2);
  expect([first.files.map(({ name }) => name), first.hasMore]).toEqual([['1', '2'], true]);
  const rest = await files.list('pages', 2, '2');
  expect([rest.files.map(({ name }) => name), rest.hasMore]).toEqual([['3'], false]);
});
