import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createArchive } from '../../src/store/archive.ts';
import { byteBudget } from '../support/deps.ts';

const archive = createArchive(env.FILES, byteBudget);
const save = (owner: string, day: string, text: string) =>
  archive.save(
    owner,
    day,
    (async function* () {
      yield new TextEncoder().encode(text);
    })(),
  );

it('keeps files by owner and day', async () => {
  await save('ann', '2026-03-02', 'second\n');
  await save('ann', '2026-03-01', 'first\n');
  await save('ann', '2026-03-01', 'first again\n');
  await save('ann2', '2026-03-01', 'hers\n');
  const { files, hasMore } = await archive.list('ann', 10);
  expect([files.length, hasMore]).toEqual([3, false]);
  expect(files.map(({ bytes }) => bytes)).toEqual([6, 12, 7]);
  const page = await archive.list('ann', 1, { after: files[0]?.path });
  expect([page.files, page.hasMore]).toEqual([[files[1]], true]);
  expect((await archive.list('ann', 10, { day: '2026-03-02' })).files).toEqual([files[2]]);
  const found = await archive.open('ann', files[1]?.path ?? '');
  expect(await new Response(found?.body).text()).toBe('first again\n');
  expect(await archive.open('ann2', files[1]?.path ?? '')).toBeNull();
  expect(await archive.removeAll('ann')).toBe(3);
  expect((await archive.list('ann2', 10)).files).toHaveLength(1);
});
