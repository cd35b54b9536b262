import { auditTable } from '../../src/schema/audit.ts';
import { deliveryGatesTable } from '../../src/schema/delivery-gates.ts';
import { ownersTable } from '../../src/schema/owners.ts';
import { deliveriesTable } from '../../src/schema/deliveries.ts';
import { limitsTable, limitSubsTable, uniqueKeysTable } from '../../src/schema/limits.ts';
import { flowEdgesTable, flowsTable } from '../../src/schema/flows.ts';
import { keysTable } from '../../src/schema/keys.ts';
import { queuesTable } from '../../src/schema/queues.ts';
import { mutedErrorsTable } from '../../src/schema/muted-errors.ts';
import { searchIndexTable } from '../../src/schema/search-index.ts';
import { schedulesTable } from '../../src/schema/schedules.ts';
import { sessionsTable } from '../../src/schema/sessions.ts';
import { tasksTable } from '../../src/schema/tasks.ts';
import { env } from 'cloudflare:workers';
import { getTableConfig } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { aTask, store } from '../support/rows.ts';

const pragma = async (statement: string) =>
  (await env.DB.prepare(`PRAGMA ${statement}`).all()).results;

describe.each([
  tasksTable,
  queuesTable,
  deliveriesTable,
  keysTable,
  auditTable,
  ownersTable,
  deliveryGatesTable,
  searchIndexTable,
  sessionsTable,
  mutedErrorsTable,
  schedulesTable,
  limitsTable,
  limitSubsTable,
  uniqueKeysTable,
  flowsTable,
  flowEdgesTable,
])('the migrated table', (table) => {
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
});

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

describe('the bytes of an owner', () => {
  const bytesOf = (owner: string): Promise<number | null> =>
    env.DB.prepare('SELECT task_bytes FROM owners WHERE owner = ?').bind(owner).first('task_bytes');
  const change = (sql: string, owner: string) => env.DB.prepare(sql).bind(owner).run();

  it('follow every large task, to the byte', async () => {
    const owner = 'large';
    const params = { text: 'é'.repeat(5_000) };
    const task = { ...aTask({ owner, params }), id: '00000000-0000-7000-8000-000000000001' };
    await store(task);
    const size = new TextEncoder().encode(task.params).byteLength + 2 + 450;
    expect(await bytesOf(owner)).toBe(size);
    await change(`UPDATE tasks SET description = 'abc' WHERE owner = ?`, owner);
    expect(await bytesOf(owner)).toBe(size + 3);
    await change('DELETE FROM tasks WHERE owner = ?', owner);
    expect(await bytesOf(owner)).toBe(0);
  });

  it('follow small tasks in the mean, at the cost of one row in thousands', async () => {
    const owner = 'small';
    const small = aTask({ owner });
    const all = Array.from({ length: 100 }, (_, i) => ({
      ...small,
      id: `00000000-0000-7000-8000-0000000${String(10_001 + i)}`,
    }));
    await store(...all);
    expect(await bytesOf(owner)).toBeNull();
    await store({ ...small, id: '00000000-0000-7000-8000-000000020000' });
    const bytes = await bytesOf(owner);
    expect(bytes).toBeGreaterThan(4_096 * 450);
    await change(`DELETE FROM tasks WHERE owner = ?`, owner);
    expect(await bytesOf(owner)).toBe(0);
  });
});
