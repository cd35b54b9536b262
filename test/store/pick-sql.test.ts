import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { PICK } from '../../src/store/pick-sql.ts';

it('makes the walk round the sub-keys no further than it is read, and scans no table', async () => {
  const statement = env.DB.prepare(`EXPLAIN QUERY PLAN ${PICK}`).bind('owner', 'key', 1);
  const { results } = await statement.all<{ detail: string }>();
  const plan = results.map(({ detail }) => detail).join('\n');
  expect(plan).toContain('CO-ROUTINE walk');
  expect(plan).not.toMatch(/SCAN (tasks|limits|limit_subs)\b/);
});
