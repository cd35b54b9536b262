import { env } from 'cloudflare:workers';
import { beforeEach, expect, it } from 'vitest';
import { createPruner } from '../../src/engine/pruner.ts';
import { createTaskStore } from '../../src/store/tasks.ts';
import { createFlowStore } from '../../src/store/flows.ts';
import { clearFlows } from '../support/flows.ts';
import { keepLog, noLimits } from '../support/deps.ts';
import { aTask, store } from '../support/rows.ts';

const NOW = 1_900_000_000_000;
const DAY_MS = 86_400_000;

const setup = (retentionMs: number, usedPart = 0, pruneWhenFull = true) => {
  let now = NOW;
  let part = usedPart;
  const { log, events } = keepLog();
  const pruner = createPruner({
    admissions: noLimits.admissions,
    pruneTasks: createTaskStore(env.DB).prune,
    flows: createFlowStore(env.DB),
    databaseSize: { getUsedPart: () => part },
    computeCutoffs: (at) => ({ rules: [], otherwise: retentionMs === 0 ? 0 : at - retentionMs }),
    pruneWhenFull,
    removeLeftovers: async () => {},
    orphans: { sweep: async () => false },
    now: () => now,
    log,
  });
  return {
    pruner,
    events,
    pass: (ms: number) => void (now += ms),
    fill: (to: number) => void (part = to),
  };
};

const ended = async (count: number, at: number): Promise<void> => {
  await store(...Array.from({ length: count }, () => aTask({}, at)));
  const sql = `UPDATE tasks SET status = 'CANCELLED', wake_at = NULL, completed_at = ?1
WHERE completed_at IS NULL`;
  await env.DB.prepare(sql).bind(at).run();
};
const count = () => env.DB.prepare('SELECT count(*) AS n FROM tasks').first('n');

beforeEach(() => env.DB.prepare('DELETE FROM tasks').run());

it('deletes what is past its retention, a few at a time, and then looks once an hour', async () => {
  const { pruner, pass } = setup(DAY_MS);
  await ended(250, NOW - 2 * DAY_MS);
  await ended(5, NOW);
  expect([await pruner.prune(), await count()]).toEqual([true, 55]);
  expect([await pruner.prune(), await count()]).toEqual([false, 5]);
  await ended(3, NOW - 2 * DAY_MS);
  expect([await pruner.prune(), await count()]).toEqual([false, 8]);
  pass(3_600_000);
  expect([await pruner.prune(), await count()]).toEqual([false, 5]);
});

it('relieves a database that is nearly full of what has ended, whatever its retention', async () => {
  const { pruner, fill, events } = setup(0);
  await ended(250, NOW);
  await store(aTask({}, NOW));
  expect([await pruner.prune(), await count()]).toEqual([false, 251]);
  fill(0.86);
  expect([await pruner.prune(), await count()]).toEqual([true, 51]);
  expect([await pruner.prune(), await count()]).toEqual([false, 1]);
  expect(events()).toContain('pruned');
});

it('looks for room once a minute where nothing has ended', async () => {
  const { pruner, pass } = setup(0, 0.9);
  expect(await pruner.prune()).toBe(false);
  await ended(3, NOW);
  expect([await pruner.prune(), await count()]).toEqual([false, 3]);
  pass(60_000);
  expect([await pruner.prune(), await count()]).toEqual([false, 0]);
});

it('deletes nothing where the operator wants that', async () => {
  const { pruner } = setup(0, 0.99, false);
  await ended(3, NOW - 900 * DAY_MS);
  expect([await pruner.prune(), await count()]).toEqual([false, 3]);
});

it('goes on at once where more flows are old than go at a time', async () => {
  await clearFlows();
  await env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 250)
    INSERT INTO flows (owner, id, status, on_failure, open, tasks, version, submitted_at, updated_at, completed_at)
    SELECT 'local', 'f' || i, 'COMPLETED', 'stop', 0, 1, 1, 1, 1, 1 FROM n`,
  ).run();
  const { pruner } = setup(DAY_MS);
  const left = () => env.DB.prepare('SELECT count(*) AS n FROM flows').first('n');
  expect([await pruner.prune(), await left()]).toEqual([true, 50]);
  expect([await pruner.prune(), await left()]).toEqual([false, 0]);
});
