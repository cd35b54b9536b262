import { env } from 'cloudflare:workers';
import { beforeEach, expect, it } from 'vitest';
import {
  CANCEL,
  EXPANDED,
  FIND_AFTER,
  FIND_DUE,
  FIND_SOURCES,
  RELEASE,
} from '../../src/store/release-sql.ts';
import { readStatementName } from '../support/statements.ts';
import { clearFlows } from '../support/flows.ts';

beforeEach(clearFlows);

/** Statements that look for rows: each by an index, and never through a whole table. */
it.each(
  [FIND_AFTER, FIND_DUE, FIND_SOURCES, CANCEL, EXPANDED, RELEASE].map((sql) => [
    readStatementName(sql),
    sql,
  ]),
)('%s seeks its rows', async (_name, sql) => {
  const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .bind(...Array.from({ length: sql.includes('?2') ? 2 : 1 }, () => '[]'))
    .all<{ detail: string }>();
  const scans = results.filter(({ detail }) => /^SCAN (tasks|flow_edges|flows)/.test(detail));
  expect(scans).toEqual([]);
});

it('the trigger of an end seeks what waits for it', async () => {
  const sql = await env.DB.prepare(
    `SELECT sql FROM sqlite_master WHERE name = 'tasks_end_node'`,
  ).first<string>('sql');
  const updates = [...(sql ?? '').matchAll(/UPDATE tasks SET[^;]+/g)].map(([text]) =>
    text.replaceAll(/NEW\.\w+/g, '?1'),
  );
  expect(updates).toHaveLength(2);
  for (const update of updates) {
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${update}`)
      .bind('x')
      .all<{ detail: string }>();
    expect(results.filter(({ detail }) => detail.startsWith('SCAN'))).toEqual([]);
    expect(results.some(({ detail }) => /tasks_by_flow|PRIMARY KEY/.test(detail))).toBe(true);
  }
});
