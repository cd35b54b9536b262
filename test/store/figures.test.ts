import { env } from 'cloudflare:workers';
import { runInDurableObject } from 'cloudflare:test';
import { expect, it } from 'vitest';
import { createFigureStore } from '../../src/store/figures.ts';

it('stores a cell by level, time, type and queue, and lists a time without its end', async () => {
  await runInDurableObject(env.FIGURES.getByName('a store'), (_, { storage }) => {
    const store = createFigureStore(storage.sql);
    const row = { at: 10, type: "it's; a type", queue: 'q', cell: '{}' };
    store.put(1, row);
    store.put(1, { ...row, cell: '{"n":2}' });
    store.put(60, row);
    expect(store.get(1, 10, row.type, 'q')).toBe('{"n":2}');
    expect(store.get(1, 11, row.type, 'q')).toBeNull();
    expect([...store.list(1, 10, 11)]).toEqual([{ ...row, cell: '{"n":2}' }]);
    expect([...store.list(1, 0, 10)]).toEqual([]);
    expect([store.readLastBatch(), (store.storeLastBatch(7), store.readLastBatch())]).toEqual([
      0, 7,
    ]);
  });
});
