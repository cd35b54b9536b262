import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import {
  isAsleep,
  MOVE_TABLES,
  NEVER,
  toAsleep,
  type MoveTable,
} from '../../src/store/move-tables.ts';

/** Of all shards together, these stay in the first database; the index is filled by triggers. */
const STAY = ['audit', 'owner_shards', 'sessions', 'search_index'];

const tableOf = (name: string): MoveTable => {
  const found = MOVE_TABLES.find((table) => table.name === name);
  if (!found) throw new Error(`There is no table ${name}`);
  return found;
};
const columnsOf = async (table: string): Promise<string[]> => {
  const sql = 'SELECT name, hidden FROM pragma_table_xinfo(?1)';
  const { results } = await env.DB.prepare(sql).bind(table).all<{ name: string; hidden: number }>();
  return results.filter(({ hidden }) => hidden === 0).map(({ name }) => name);
};

it('takes along every table that knows an owner, with every column', async () => {
  const { results } = await env.DB.prepare(
    `SELECT name FROM sqlite_master
     WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '_cf_%'`,
  ).all<{ name: string }>();
  const owned: string[] = [];
  for (const { name } of results)
    if ((await columnsOf(name)).includes('owner') && !STAY.includes(name)) owned.push(name);
  expect(MOVE_TABLES.map(({ name }) => name).toSorted()).toEqual(owned.toSorted());
  for (const { name, columns } of MOVE_TABLES)
    expect([name, columns.toSorted()]).toEqual([name, (await columnsOf(name)).toSorted()]);
});

it.each(MOVE_TABLES.map(({ name, key }) => ({ name, key })))(
  'goes along a unique key of $name',
  async ({ name, key }) => {
    const { results } = await env.DB.prepare(
      `SELECT group_concat(name, ',') AS columns
       FROM (
         SELECT index_list.name AS index_name, index_info.name
         FROM pragma_index_list(?1) AS index_list, pragma_index_info(index_list.name) AS index_info
         WHERE index_list."unique" AND NOT index_list.partial
         ORDER BY index_info.seqno
       )
       GROUP BY index_name`,
    )
      .bind(name)
      .all<{ columns: string }>();
    expect(results.map(({ columns }) => columns)).toContain(key.join(','));
  },
);

it('puts a row to sleep, unless it says nothing', () => {
  const tasks = tableOf('tasks');
  const due = { id: 'a', status: 'PENDING', held: null, wake_at: 5, turn: 1, slot: null };
  expect(isAsleep(tasks, due)).toBe(true);
  expect(toAsleep(tasks, due)).toEqual({ ...due, turn: null, wake_at: NEVER });
  const ended = { id: 'a', status: 'COMPLETED', held: null, wake_at: null, turn: null, slot: null };
  expect(isAsleep(tasks, ended)).toBe(false);
  expect(toAsleep(tasks, ended)).toEqual(ended);
  const leased = { ...due, status: 'IN_PROGRESS', held: 'lease' };
  expect(toAsleep(tasks, leased)).toMatchObject({ held: 'lease', wake_at: NEVER });
  const key = { id: 'k', owner: 'ann' };
  expect(toAsleep(tableOf('keys'), key)).toBe(key);
});
