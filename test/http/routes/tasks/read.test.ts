import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { TaskView } from '../../../../src/domain/view.ts';
import { chooseDispatcher } from '../../../../src/engine/dispatcher.ts';
import { call, finished, submit } from '../../../support/client.ts';
import { observeDatabase } from '../../../support/database.ts';
import { aTask, store } from '../../../support/rows.ts';

afterEach(() => vi.restoreAllMocks());

interface Page {
  pagination: {
    current_page?: number;
    page_size: number;
    total_pages?: number;
    total_tasks?: number;
    total_capped?: boolean;
    next_cursor: string | null;
  };
  tasks: TaskView[];
}

const list = async (query = ''): Promise<Page> => (await call(`/tasks${query}`)).json();

/** How many values a statement wants bound, numbered or not. */
const parametersOf = (sql: string): number => {
  const numbers = [...sql.matchAll(/\?(\d)/g)].map(([, number]) => Number(number));
  return numbers.length > 0 ? Math.max(...numbers) : sql.split('?').length - 1;
};

describe('POST /tasks', () => {
  it('answers with the task, which then runs', async () => {
    const response = await call('/tasks', {
      json: {
        type: 'sum',
        params: { a: 5, b: 3 },
        title: 'five and three',
        tags: ['x'],
        priority: 'high',
      },
    });
    expect(response.status).toBe(202);
    const task = await response.json<TaskView>();
    expect(response.headers.get('Location')).toBe(`/tasks/${task.task_id}`);
    expect(task).toMatchObject({
      type: 'sum',
      title: 'five and three',
      tags: ['x'],
      priority: 'HIGH',
      status: 'PENDING',
      queue: 'default-high',
      attempt: 0,
      version: 1,
    });
    expect(await finished(task.task_id)).toMatchObject({
      status: 'COMPLETED',
      result: { operation: 'sum', a: 5, b: 3, result: 8 },
      attempt: 1,
      version: 3,
      error: null,
      rescues: 0,
      attempts: [{ attempt: 1, outcome: 'completed', error: null }],
    });
  });

  it('retries what fails, attempt by attempt, until it succeeds', async () => {
    const { task_id } = await submit('flaky', { failures: 1 });
    expect(await finished(task_id)).toMatchObject({
      status: 'COMPLETED',
      result: { succeeded_on_attempt: 2 },
      attempt: 2,
      attempts: [
        { outcome: 'retried', error: { code: 'handler_error' } },
        { outcome: 'completed' },
      ],
    });
  });

  it('takes the short forms', async () => {
    const named = await (
      await call('/tasks', { json: { task_name: 'test', duration: 0 } })
    ).json<TaskView>();
    expect(named).toMatchObject({ type: 'simulate', title: 'test', params: { duration: 0 } });
    expect((await finished(named.task_id)).result).toBe('Task completed in 0 seconds');
    const titled = await (
      await call('/tasks', { json: { title: 'Report', description: 'weekly', priority: 'normal' } })
    ).json<TaskView>();
    expect(titled).toMatchObject({
      type: 'simulate',
      title: 'Report',
      description: 'weekly',
      priority: 'MEDIUM',
      queue: 'external-medium',
      params: { duration: 1 },
    });
  });

  it('knows a type by its older names', async () => {
    expect(await submit('sum_two_numbers', { a: 1, b: 2 })).toMatchObject({ type: 'sum' });
  });

  it('keeps what is awkward as it is', async () => {
    const title = 'é 😀 "quoted" \\ <script> \u0000 \ud800';
    const { task_id } = await submit('sum', { a: 1, b: 2 }, { title });
    expect((await finished(task_id)).title).toBe(title.toWellFormed());
  });
});

describe('GET /tasks/{id}', () => {
  it('says MISS, then HIT, once the task is final', async () => {
    const { task_id } = await submit('sum', { a: 1, b: 2 });
    const live = aTask();
    await store(live);
    expect((await call(`/tasks/${live.id}`)).headers.get('X-Cache')).toBeNull();
    const first = await finished(task_id);
    const hit = await vi.waitUntil(async () => {
      const response = await call(`/tasks/${task_id}`);
      return response.headers.get('X-Cache') === 'HIT' ? response : null;
    });
    expect(await hit.json()).toEqual(first);
    const headers = { 'Cache-Control': 'no-cache' };
    expect((await call(`/tasks/${task_id}`, { headers })).headers.get('X-Cache')).toBe('MISS');
  });

  it('has a short form', async () => {
    const { task_id } = await submit('sum', { a: 1, b: 2 });
    await finished(task_id);
    expect(await (await call(`/tasks/${task_id}/status`)).json()).toEqual({
      task_id,
      task_uuid: task_id,
      status: 'COMPLETED',
      progress: null,
      attempt: 1,
      max_attempts: 3,
      version: 3,
    });
  });
});

describe('GET /tasks', () => {
  const aList = async (count: number) => {
    await env.DB.prepare('DELETE FROM tasks').run();
    const tasks = Array.from({ length: count }, (_, i) =>
      aTask(i % 5 === 0 ? { type: 'flaky', scheduledAt: Date.now() + 3_600_000 } : {}),
    );
    await store(...tasks);
    return tasks.map(({ id }) => id).toReversed();
  };

  it('shows pages, newest first, with totals', async () => {
    const ids = await aList(25);
    const first = await list();
    expect(first.pagination).toEqual({
      current_page: 1,
      page_size: 10,
      total_pages: 3,
      total_tasks: 25,
      next_cursor: ids[9],
    });
    expect(first.tasks.map(({ task_id }) => task_id)).toEqual(ids.slice(0, 10));
    const last = await list('?page=3&page_size=10');
    expect(last.tasks.map(({ task_id }) => task_id)).toEqual(ids.slice(20));
    expect(last.pagination.next_cursor).toBeNull();
    expect((await list('?page=99')).tasks).toEqual([]);
  });

  it('walks the whole list by cursor, without totals', async () => {
    const ids = await aList(23);
    const seen: string[] = [];
    let cursor =
      ids.at(0) === undefined ? null : (await list('?page_size=1')).pagination.next_cursor;
    seen.push(cursor ?? '');
    while (cursor) {
      const page = await list(`?page_size=5&cursor=${cursor}`);
      expect(page.pagination).not.toHaveProperty('total_tasks');
      seen.push(...page.tasks.map(({ task_id }) => task_id));
      cursor = page.pagination.next_cursor;
    }
    expect(seen).toEqual(ids);
  });

  it('filters by status and type, each repeatable, together', async () => {
    await aList(25);
    const totals = async (query: string) => (await list(query)).pagination.total_tasks;
    expect(await totals('?status=NEW')).toBe(5);
    expect(await totals('?status=pending')).toBe(20);
    expect(await totals('?status=NEW&status=PENDING')).toBe(25);
    expect(await totals('?type=flaky')).toBe(5);
    expect(await totals('?type=flaky&type=sum&status=PENDING')).toBe(20);
    expect(await totals('?type=nobody')).toBe(0);
    expect(await totals('?status=COMPLETED')).toBe(0);
  });

  it('reads by index, for any filter, and so does the clock', async () => {
    await aList(10);
    const { asked, stop } = observeDatabase();
    for (const query of [
      '',
      '?status=NEW',
      '?status=COMPLETED',
      '?type=sum',
      '?type=sum&status=FAILED',
      '?type=a&type=b',
    ])
      await list(query);
    await env.DISPATCHER.getByName(chooseDispatcher()).tickNow();
    stop();
    const statements = new Set(
      asked.map(({ sql }) => sql).filter((sql) => !sql.startsWith('PRAGMA')),
    );
    expect(statements.size).toBeGreaterThan(12);
    for (const sql of statements) {
      const bound = Array.from({ length: parametersOf(sql) }, () => 1);
      const plan = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .bind(...bound)
        .all<{ detail: string }>();
      for (const { detail } of plan.results)
        expect(`${sql}: ${detail}`).not.toMatch(/SCAN tasks|TEMP B-TREE/);
    }
  });
});
