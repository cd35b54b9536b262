import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { cleanSql, completeSql, insertSql, readSql, wakeSql } from '../../src/store/move-sql.ts';
import { MOVE_TABLES } from '../../src/store/move-tables.ts';

const planOf = async (sql: string, ...values: unknown[]): Promise<string[]> => {
  const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .bind(...values)
    .all<{ detail: string }>();
  return results.map(({ detail }) => detail);
};
const scanOf = (name: string) => new RegExp(`^SCAN ${name}\\b(?!.* USING )`);

it.each(MOVE_TABLES.map((table) => ({ name: table.name, table })))(
  'finds the rows of $name by an index, whatever is done with them',
  async ({ name, table }) => {
    const plans = [
      await planOf(readSql(table), 'ann', null),
      await planOf(insertSql(table), '[]'),
      await planOf(cleanSql(table), 'ann'),
      ...(table.afterwards.length > 0 ? [await planOf(completeSql(table), '[]')] : []),
      ...(table.asleep.length > 0 ? [await planOf(wakeSql(table), '[]', 0)] : []),
    ];
    // Types, muted errors, limits and the like of all owners are few: only tasks and what they have are many.
    if (['tasks', 'flow_edges', 'run_logs', 'run_steps', 'deliveries'].includes(name))
      for (const plan of plans) expect(plan.filter((step) => scanOf(name).test(step))).toEqual([]);
  },
);

it('ends a copy of a key when the key has ended', async () => {
  const keys = MOVE_TABLES.find(({ name }) => name === 'keys');
  if (!keys) throw new Error('Keys are not moved');
  await env.DB.prepare(
    `INSERT INTO keys (id, owner, hash, name, prefix, scopes, created_at)
     VALUES ('k', 'ann', 'h', 'n', 'p', '[]', 1)`,
  ).run();
  const given = { id: 'k', owner: 'ann', hash: 'h', name: 'n', prefix: 'p', scopes: '[]' };
  const put = (more: object) => {
    const row: Record<string, unknown> = { ...given, created_at: 1, ...more };
    const rows = JSON.stringify([keys.columns.map((column) => row[column] ?? null)]);
    return env.DB.prepare(insertSql(keys)).bind(rows).run();
  };
  const revoked = () =>
    env.DB.prepare(`SELECT revoked_at FROM keys WHERE id = 'k'`).first('revoked_at');
  await put({ revoked_at: 7 });
  expect(await revoked()).toBe(7);
  await put({ revoked_at: null });
  expect(await revoked()).toBe(7);
});
