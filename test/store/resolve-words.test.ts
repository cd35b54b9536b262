import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { findIdentifiers, toShortId } from '../../src/domain/identifiers.ts';
import { resolveWords } from '../../src/store/resolve-words.ts';
import { createTaskSearch } from '../../src/store/search.ts';
import { aTask, OWNER, store } from '../support/rows.ts';

const search = createTaskSearch(env.DB);
const find = async (text: string, more: object = {}) => {
  const filter = { words: text.split(' '), ...more };
  const { tasks } = await search.page(OWNER, filter, { limit: 50 });
  expect((await search.count(OWNER, filter)).total).toBe(tasks.length);
  return tasks.map(({ id }) => id);
};

const withParams = (params: object, more: object = {}) =>
  aTask({
    params,
    identifiers: findIdentifiers(params),
    ...more,
  });

describe('a search', () => {
  it('finds a value anywhere in parameters, by the index', async () => {
    const task = withParams({ data: [{ order_id: 'ORD-77123' }], amount: 98765 });
    await store(task, withParams({ data: [{ order_id: 'ORD-77124' }] }));
    expect(await find('ord-77123')).toEqual([task.id]);
    expect(await find('98765')).toEqual([task.id]);
    expect(await find('ORD-77123', { statuses: ['FAILED'] })).toEqual([]);
    const resolved = await resolveWords(env.DB, OWNER, { words: ['ORD-77123'] });
    expect(resolved).toEqual({ identifier: 'ord-77123' });
  });

  it('finds a task by the short form of its id, and by its beginning', async () => {
    const task = aTask();
    await store(task);
    for (const form of [toShortId(task.id), task.id, task.id.slice(0, 18)])
      expect(await find(form)).toEqual([task.id]);
  });

  it('falls back to words: titles, tags, values, results and errors', async () => {
    const tasks = {
      titled: aTask({ title: 'Quarterly zebra report' }),
      tagged: aTask({ tags: ['zebra-tag'] }),
      valued: aTask({ params: { animal: 'Zebra' } }),
    };
    await store(...Object.values(tasks));
    expect(new Set(await find('zebra'))).toEqual(new Set(Object.values(tasks).map(({ id }) => id)));
    expect(await find('quarterly report')).toEqual([tasks.titled.id]);
  });

  it('loses its rows with the task', async () => {
    const task = withParams({ order: 'GONE-1234' });
    await store(task);
    await env.DB.prepare('DELETE FROM tasks WHERE id = ?').bind(task.id).run();
    const { n } = (await env.DB.prepare(
      `SELECT count(*) AS n FROM search_index WHERE value = 'gone-1234'`,
    ).first<{ n: number }>()) ?? { n: -1 };
    expect(n).toBe(0);
    expect(await find('GONE-1234')).toEqual([]);
  });

  it('finds another owner’s value never', async () => {
    await store(withParams({ order: 'SECRET-1' }, { owner: 'another' }));
    expect(await find('SECRET-1')).toEqual([]);
  });

  it('pages through many tasks that share a value', async () => {
    const tasks = Array.from({ length: 7 }, () => withParams({ batch: 'SHARED-9' }));
    await store(...tasks);
    const filter = { words: ['shared-9'] };
    const first = await search.page(OWNER, filter, { limit: 5 });
    const rest = await search.page(OWNER, filter, { limit: 5, cursor: first.next ?? '' });
    expect([...first.tasks, ...rest.tasks].map(({ id }) => id)).toEqual(
      tasks
        .map(({ id }) => id)
        .toSorted()
        .toReversed(),
    );
    expect(rest.next).toBeNull();
  });
});
