import { deliveriesTable } from '../../src/schema/deliveries.ts';
import { keysTable } from '../../src/schema/keys.ts';
import { queuesTable } from '../../src/schema/queues.ts';
import { tasksTable } from '../../src/schema/tasks.ts';
import { env } from 'cloudflare:workers';
import { getTableConfig } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { aTask, store } from '../support/rows.ts';

const pragma = async (statement: string) =>
  (await env.DB.prepare(`PRAGMA ${statement}`).all()).results;

describe.each([tasksTable, queuesTable, deliveriesTable, keysTable])(
  'the migrated table',
  (table) => {
    const { name, columns, indexes } = getTableConfig(table);

    it('has the columns and indexes of its schema', async () => {
      const found = await pragma(`table_info(${name})`);
      expect(found.map((column) => [column['name'], column['notnull'] === 1])).toEqual(
        columns.map((column) => [column.name, column.notNull]),
      );
      const made = (await pragma(`index_list(${name})`))
        .filter(({ origin }) => origin === 'c')
        .map((index) => index['name']);
      expect(made.toSorted()).toEqual(indexes.map(({ config }) => config.name).toSorted());
    });

    it('is STRICT and clustered, which drizzle-kit cannot say', async () => {
      expect((await pragma('table_list')).find((row) => row['name'] === name)).toMatchObject({
        strict: 1,
        wr: 1,
      });
    });
  },
);

describe('the checks', () => {
  it.each([
    "status = 'BOGUS'",
    'completed_at = 5',
    "status = 'IN_PROGRESS', wake_at = NULL",
    "status = 'PAUSED'",
    "status = 'COMPLETED', wake_at = NULL, completed_at = 5",
    "result = '1'",
    'attempt = 4',
    'rescues = 4',
  ])('refuse a pending row with %s', async (change) => {
    const task = aTask();
    await store(task);
    await expect(
      env.DB.prepare(`UPDATE tasks SET ${change} WHERE id = ?`).bind(task.id).run(),
    ).rejects.toThrow(/CHECK constraint failed/);
  });
});
