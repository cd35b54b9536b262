import { env } from 'cloudflare:workers';
import { beforeEach, expect, it } from 'vitest';
import { v7 as uuidv7 } from 'uuid';
import { cancelSetSql, commandSql, retrySetSql } from '../../src/store/command-sql.ts';
import { encodeFlowTask } from '../../src/store/inserts.ts';
import { createReleaseStore } from '../../src/store/releases.ts';
import { clearFlows, endTask, storeFlow, sum } from '../support/flows.ts';
import { aTask, OWNER, rowOf, store } from '../support/rows.ts';

const NOW = 1_900_000_000_000;
beforeEach(clearFlows);

const run = async (name: 'cancel' | 'retry', ...ids: string[]): Promise<string[]> => {
  const statement = env.DB.prepare(commandSql(name, 'id'));
  const { results } = await statement.bind(NOW, OWNER, JSON.stringify(ids)).all<{ id: string }>();
  return results.map(({ id }) => id);
};

it('cancels a list node with the tasks that it made, and one of these alone', async () => {
  const { idOf, tasks } = await storeFlow(
    { a: sum(1), each: sum('item', 1, { for_each: { $from: 'a.result' } }) },
    NOW,
  );
  await endTask(idOf('a'), NOW);
  const items = [0, 1].map((item) => ({
    ...(tasks[1] as (typeof tasks)[number]),
    id: uuidv7(),
    item,
    blocked_by: null,
  }));
  await createReleaseStore(env.DB).insertItems(items.map(encodeFlowTask));
  const [first, second] = items.map(({ id }) => id);
  expect(await run('cancel', String(first))).toEqual([first]);
  expect((await run('cancel', idOf('each'))).toSorted()).toEqual(
    [idOf('each'), String(second)].toSorted(),
  );
});

it('leaves retries of tasks of flows to their flow', async () => {
  const { idOf } = await storeFlow({ a: sum(1) }, NOW);
  const alone = aTask();
  await store(alone);
  await Promise.all([idOf('a'), alone.id].map((id) => endTask(id, NOW, 'FAILED')));
  expect(await run('retry', idOf('a'), alone.id)).toEqual([alone.id]);
  expect((await rowOf(idOf('a'))).status).toBe('FAILED');
});

it('says what a cancel and a retry set, at any moment', () => {
  expect(cancelSetSql('?9')).toContain('completed_at = ?9');
  expect(retrySetSql('?9')).toContain('completed_at = NULL');
});
