import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createFamily } from '../../src/store/family.ts';
import { aTask, store } from '../support/rows.ts';

it('counts the tasks above one', async () => {
  const family = createFamily(env.DB);
  const root = aTask();
  let last = root;
  const all = [root];
  for (let i = 0; i < 5; i += 1) {
    last = aTask({ parentId: last.id });
    all.push(last);
  }
  await store(...all);
  expect(await family.countAncestors(root, 16)).toBe(0);
  expect(await family.countAncestors(last, 16)).toBe(5);
  expect(await family.countAncestors(last, 3)).toBe(3);
  expect(await family.countAncestors({ owner: 'other', id: last.id }, 16)).toBe(0);
  // Its parent was deleted meanwhile.
  await env.DB.prepare('DELETE FROM tasks WHERE id = ?').bind(all[3]?.id).run();
  expect(await family.countAncestors(last, 16)).toBe(2);
});
