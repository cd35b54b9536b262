import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createCountedFiles } from '../../src/store/counted-files.ts';
import { createFileStore } from '../../src/store/files.ts';
import { byteBudget } from '../support/deps.ts';
import { createOwnerStore } from '../../src/store/owners.ts';

const owners = createOwnerStore(env.DB);
const plain = createFileStore(env.FILES, byteBudget);
const files = createCountedFiles({ files: plain, owners, maxBytes: 10 });
const toBytes = async function* (text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
};
const save = (name: string, text: string) =>
  files.save('ann', name, toBytes(text), { contentType: 'text/plain', maxBytes: 100 });
const countBytes = async () => (await owners.get('ann')).file_bytes;

it('counts what comes, what replaces, and what goes', async () => {
  await save('a.txt', '12345');
  expect(await countBytes()).toBe(5);
  await save('a.txt', '123');
  expect(await countBytes()).toBe(3);
  await files.remove('ann', 'a.txt');
  await files.remove('ann', 'a.txt');
  expect(await countBytes()).toBe(0);
});

it('refuses what has no room, also in the middle of a file, and lets a file be replaced', async () => {
  await save('full.txt', '1234567890');
  await expect(save('more.txt', '1')).rejects.toMatchObject({ code: 'too_many_bytes' });
  await save('full.txt', '123456789');
  await expect(save('more.txt', '1234')).rejects.toMatchObject({ code: 'body_too_large' });
  expect(await countBytes()).toBe(9);
  await files.remove('ann', 'full.txt');
});

it('measures anew where a count was lost, before it refuses anybody', async () => {
  await owners.setFileBytes('ann', 10);
  await save('b.txt', '1234');
  expect(await countBytes()).toBe(4);
});
