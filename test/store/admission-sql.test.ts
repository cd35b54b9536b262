import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { ADMIT_PICKED, ADMIT_PLAIN, SPEND } from '../../src/store/admission-sql.ts';

const explain = async (sql: string): Promise<string> => {
  const statement = env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`).bind('owner', 'key', 1);
  return (await statement.all<{ detail: string }>()).results.map(({ detail }) => detail).join('\n');
};

it.each([ADMIT_PLAIN, ADMIT_PICKED, SPEND])('scans no table: %s', async (sql) => {
  expect(await explain(sql)).not.toMatch(/SCAN (tasks|limits|limit_subs)\b/);
});
