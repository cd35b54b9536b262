import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { call } from '../../../support/client.ts';
import { observeDatabase } from '../../../support/database.ts';
import { OWNER } from '../../../support/rows.ts';

interface List {
  pagination: {
    page_size: number;
    next_cursor: string | null;
    total_tasks?: number;
    total_pages?: number;
    total_capped?: true;
    truncated?: true;
  };
  tasks: {
    task_id: string;
    status: string;
    type: string;
    title: string | null;
    submitted_at: string;
  }[];
}

const TASKS = 100_000;
const START = Date.parse('2026-01-01T00:00:00Z');

/**
 * 100 000 tasks, one a second: mostly completed; every 50th failed, every 1 000th cancelled; of
 * three types.
 */
const FILL = `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${TASKS - 1})
INSERT INTO tasks (owner, id, status, queue, type, priority, attempt, max_attempts, attempt_budget, timeout_ms, submitted_at,
  completed_at, updated_at, tags, title, params, result, attempts)
SELECT ?1,
  substr(hex, 1, 8) || '-' || substr(hex, 9, 4) || '-7000-8000-' || printf('%012x', i),
  status, 'default-medium', CASE i % 3 WHEN 0 THEN 'sum' WHEN 1 THEN 'simulate' ELSE 'broken' END,
  CASE WHEN i % 10 = 0 THEN 'HIGH' ELSE 'MEDIUM' END, 1, 3, 3, 1000, at, at + 10, at + 10,
  CASE WHEN i = 77777 THEN '["rare"]' ELSE '[]' END, CASE WHEN i = 12345 THEN 'Needle in a Haystack' END,
  json_object('a', i, 'deep', json_object('list', json_array(i, 'x' || i)), 'on', json(CASE WHEN i % 2 THEN 'true' ELSE 'false' END)),
  CASE WHEN status = 'COMPLETED' THEN '{"result":' || (i * 2) || '}' END,
  CASE WHEN status = 'FAILED' THEN json_array(json_object('attempt', 1, 'ended_at', at, 'outcome', 'failed', 'error', json_object('code', 'x', 'message', 'It broke badly'))) ELSE '[]' END
FROM (SELECT i, ?2 + i * 1000 AS at, printf('%012x', ?2 + i * 1000) AS hex,
  CASE WHEN i % 1000 = 999 THEN 'CANCELLED' WHEN i % 50 = 49 THEN 'FAILED' ELSE 'COMPLETED' END AS status FROM n)`;

beforeAll(async () => {
  await env.DB.prepare(FILL).bind(OWNER, START).run();
}, 60_000);

const list = async (query: string): Promise<List> => {
  const response = await call(`/tasks?${query}`);
  expect([response.status, query]).toEqual([200, query]);
  return response.json();
};

/** A list and the rows that its statements read. */
const measured = async (query: string): Promise<{ found: List; rowsRead: number }> => {
  const { asked, stop } = observeDatabase();
  const found = await list(query);
  stop();
  return { found, rowsRead: asked.reduce((sum, { rowsRead }) => sum + rowsRead, 0) };
};

describe('a list of 100 000', () => {
  it('costs the same at page 1 and at page 500, by cursor', async () => {
    // The key is read once, and then held for a while.
    await list('page_size=1&cursor=');
    let { found, rowsRead: first } = await measured('page_size=20&cursor=');
    const seen = new Set(found.tasks.map(({ task_id }) => task_id));
    let last = 0;
    for (let page = 2; page <= 500; page += 1) {
      ({ found, rowsRead: last } = await measured(
        `page_size=20&cursor=${found.pagination.next_cursor}`,
      ));
      for (const { task_id } of found.tasks) seen.add(task_id);
    }
    console.log(`rows read: page 1 ${first}, page 500 ${last}`);
    expect(seen.size).toBe(10_000);
    expect(last).toBe(first);
    expect(found.pagination).not.toHaveProperty('total_tasks');
  });

  it.each([
    'status=FAILED',
    'status=CANCELLED',
    'status=COMPLETED',
    'status=FAILED&status=CANCELLED',
    'status=CANCELLED&status=FAILED&status=PENDING',
    'type=sum',
    'type=broken&type=simulate',
    'status=COMPLETED&status=FAILED',
  ])('reads few rows for %s', async (filter) => {
    const { found, rowsRead } = await measured(`${filter}&page_size=50&cursor=`);
    expect(found.tasks).toHaveLength(50);
    expect(found.pagination.truncated).toBeUndefined();
    console.log(`rows read for 50 of ${filter}: ${rowsRead}`);
    expect(rowsRead).toBeLessThanOrEqual(55);
    const wanted = new URLSearchParams(filter);
    for (const { status, type } of found.tasks) {
      if (wanted.has('status')) expect(wanted.getAll('status')).toContain(status);
      if (wanted.has('type')) expect(wanted.getAll('type')).toContain(type);
    }
    const ids = found.tasks.map(({ task_id }) => task_id);
    expect(ids).toEqual(ids.toSorted().toReversed());
  });

  it.each([
    'tag=rare',
    'q=haystack',
    'params.a=5',
    'result.result=10',
    'queue=default-high',
    'status=CANCELLED&q=nothing',
    'priority=LOW',
  ])('looks at no more than 2 000 tasks for %s, and says so', async (filter) => {
    const { found, rowsRead } = await measured(`${filter}&cursor=`);
    console.log(
      `rows read for ${filter}: ${rowsRead}, truncated: ${String(found.pagination.truncated)}`,
    );
    expect(rowsRead).toBeLessThanOrEqual(15_000);
    if (filter.startsWith('status')) expect(found.pagination).toMatchObject({ next_cursor: null });
    else
      expect(found.pagination).toMatchObject({ truncated: true, next_cursor: expect.any(String) });
  });

  it('is found in the end, page after truncated page', async () => {
    let cursor: string | null = '';
    const titles: (string | null)[] = [];
    for (let pages = 0; cursor !== null; pages += 1) {
      expect(pages).toBeLessThan(55);
      const found: List = await list(`q=NEEDLE%20haystack&cursor=${cursor}`);
      titles.push(...found.tasks.map(({ title }) => title));
      cursor = found.pagination.next_cursor;
    }
    expect(titles).toEqual(['Needle in a Haystack']);
  });

  it('counts up to 10 000 exactly', async () => {
    expect((await list('status=CANCELLED')).pagination).toMatchObject({
      total_tasks: 100,
      total_pages: 10,
    });
    expect((await list('status=FAILED')).pagination).toMatchObject({ total_tasks: 1_900 });
    const { total_tasks, total_capped } = (await list('')).pagination;
    expect([total_tasks, total_capped]).toEqual([10_000, true]);
  });
});

const newest = TASKS - 1;
const only = async (query: string): Promise<number[]> => {
  const { tasks } = await list(`${query}&page_size=100&cursor=`);
  return tasks.map(({ submitted_at }) => (Date.parse(submitted_at) - START) / 1_000);
};
const at = (i: number): string => encodeURIComponent(new Date(START + i * 1_000).toISOString());

describe('filters', () => {
  it('by time, from and until', async () => {
    expect(await only(`submitted_after=${at(newest - 2)}`)).toEqual([
      newest,
      newest - 1,
      newest - 2,
    ]);
    expect(await only(`submitted_after=${at(500)}&submitted_before=${at(503)}`)).toEqual([
      502, 501, 500,
    ]);
    expect(await only('submitted_before=2026-01-01T00:00:02%2B00:00')).toEqual([1, 0]);
    expect(await only('submitted_before=2026-01-01')).toEqual([]);
    const { rowsRead } = await measured(
      `submitted_after=${at(50_000)}&submitted_before=${at(50_010)}&cursor=`,
    );
    expect(rowsRead).toBeLessThanOrEqual(40);
  });

  it('by what is inside params and result', async () => {
    const range = `submitted_after=${at(1_000)}&submitted_before=${at(1_010)}`;
    expect(await only(`${range}&params.a=1005`)).toEqual([1_005]);
    expect(await only(`${range}&params.deep.list.0=1003`)).toEqual([1_003]);
    expect(await only(`${range}&params.deep.list.1=x1004`)).toEqual([1_004]);
    expect(await only(`${range}&params.on=true`)).toEqual([1_009, 1_007, 1_005, 1_003, 1_001]);
    expect(await only(`${range}&result.result=2012&params.a=1006`)).toEqual([1_006]);
    expect(await only(`${range}&params.nothing=1`)).toEqual([]);
    expect(await only(`${range}&params.on=1`)).toEqual([]);
    const named = JSON.stringify({
      type: 'data_processing',
      params: { data: { '2026': ['x'] } },
      delay_seconds: 600,
    });
    const made = await call('/tasks', {
      method: 'POST',
      body: named,
      headers: { 'Content-Type': 'application/json' },
    });
    const { task_id } = await made.json<{ task_id: string }>();
    const { tasks } = await list('params.data.2026.0=x&cursor=');
    expect(tasks.map((task) => task.task_id)).toEqual([task_id]);
    await call(`/tasks/${task_id}`, { method: 'DELETE' });
  });

  it('by words, in the error too, and several filters together', async () => {
    expect(await only('q=broke&submitted_before=2026-01-01T00:02:00Z')).toEqual([99, 49]);
    expect(await only('q=broke&type=simulate&submitted_before=2026-01-01T00:02:00Z')).toEqual([49]);
    expect(await only(`q=%25_%25`)).toEqual([]);
    expect(await only(`status=failed&priority=medium&submitted_before=${at(100)}`)).toEqual([
      99, 49,
    ]);
  });

  it.each([
    'page=1&cursor=',
    'cursor=nonsense',
    'status=BOGUS',
    'q=',
    'submitted_after=yesterday',
    'params.=1',
    'params.a"b=1',
    'params.a..b=1',
    'params.a%5C=1',
    'params.a=1&params.a=2',
    'queue=bogus',
    'bogus=1',
    '__proto__=1',
    'constructor=1',
    'page_size=101',
    'page_size=-1',
    `q=${'x'.repeat(201)}`,
    `params.${'a.'.repeat(10)}a=1`,
    Array.from({ length: 11 }, (_, i) => `params.a${i}=1`).join('&'),
  ])('refuses %s', async (query) => {
    const response = await call(`/tasks?${query}`);
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({
      code: 'invalid_request',
      errors: [{ in: 'query' }],
    });
  });
});

describe('the search box, over 100 000 tasks', () => {
  it.each([
    ['an id', '019b7abc', 1],
    ['a value in parameters', '77123456', 1],
    ['a word of a recent title', 'finch', 1],
  ])('finds %s', async (what, text, count) => {
    const { task_id } = await (
      await call('/tasks', {
        json: {
          type: 'sum',
          title: 'A goldfinch',
          params: { a: 77_123_456, b: 2 },
          delay_seconds: 3_600,
        },
      })
    ).json<{ task_id: string }>();
    const asked = what === 'an id' ? task_id.slice(0, 18) : text;
    const startedAt = Date.now();
    const { tasks } = await list(`q=${asked}&cursor=&status=NEW`);
    console.log(`${what} among 100 000: ${Date.now() - startedAt} ms`);
    expect(tasks.slice(0, count).map((task) => task.task_id)).toEqual([task_id]);
  });
});
