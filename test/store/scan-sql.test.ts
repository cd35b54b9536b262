import { ORDERS } from '../../src/domain/filter.ts';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { looksInside } from '../../src/store/scan-sql.ts';
import { createTaskSearch } from '../../src/store/search.ts';
import { aTask, store } from '../support/rows.ts';

const NOW = 1_900_000_000_000;
const search = createTaskSearch(env.DB);

it.each(ORDERS)(
  'ends after 4 MB, %s first, with a cursor that goes on to the end',
  async (order) => {
    const owner = `scanned-${order}`;
    const own = Array.from({ length: 200 }, (_, i) =>
      aTask({ owner, params: { i: `${i}`, text: 'x'.repeat(60_000) } }, NOW + i),
    );
    for (const task of own) await store(task);
    const filter = { fields: [{ column: 'params' as const, path: ['i'], value: '3' }] };
    const found: string[] = [];
    let [cursor, pages]: [string | undefined, number] = [undefined, 0];
    do {
      const page = await search.page(owner, filter, { limit: 50, cursor, order });
      found.push(...page.tasks.map(({ id }) => id));
      expect(page.truncated).toBe(page.next !== null);
      cursor = page.next ?? undefined;
      pages += 1;
    } while (cursor !== undefined);
    expect(found).toEqual([own[3]?.id]);
    // 67 tasks of 60 KB are 4 MB.
    expect(pages).toBe(3);
    expect(await search.count(owner, filter)).toEqual({ total: 0, capped: true });
  },
);

it('knows what looks inside', () => {
  expect(looksInside({ statuses: ['NEW'], tags: ['x'] })).toBe(false);
  expect(looksInside({ words: ['x'] })).toBe(true);
  expect(looksInside({ error: 'x' })).toBe(true);
});
