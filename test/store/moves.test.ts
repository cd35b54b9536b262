import { env } from 'cloudflare:workers';
import { beforeAll, expect, it } from 'vitest';
import { createMoves } from '../../src/store/moves.ts';
import { MOVE_TABLES, NEVER } from '../../src/store/move-tables.ts';
import { createTaskStore } from '../../src/store/tasks.ts';
import { aTask, store } from '../support/rows.ts';

// In the project `shards`, which has a second database.

const first = env.DB;
const second = (env as unknown as { DB_1: D1Database }).DB_1;
const moves = createMoves(first, second);
const NOW = 1_900_000_000_000;

const rowsOf = async (database: D1Database, owner: string) =>
  (await database.prepare('SELECT * FROM tasks WHERE owner = ?1 ORDER BY id').bind(owner).all())
    .results;

/** All parts of all tables; returns how many parts there were. */
const copyAll = async (owner: string, isLate = false): Promise<number> => {
  let parts = 0;
  for (let n = 0; ; n += 1)
    for (let after: string | null = null; ;) {
      const copied = await moves.copy(owner, n, after, isLate);
      if (copied === null) return parts;
      parts += 1;
      after = copied.next;
      if (after === null) break;
    }
};
const wakeAll = async (owner: string): Promise<void> => {
  for (let n = 0; ; n += 1)
    for (let after: string | null = null; ;) {
      const woken = await moves.wake(owner, n, after, NOW);
      if (woken === null) return;
      after = woken.next;
      if (after === null) break;
    }
};

beforeAll(async () => {
  await store(...Array.from({ length: 1_203 }, (_, i) => aTask({ owner: 'ann' }, NOW + i)));
  await store(aTask({ owner: "o'neil@x.org" }, NOW));
});

it('fences what the owner has, and nothing of others', async () => {
  await moves.fence('ann');
  await moves.fence('ann');
  const change = (owner: string) =>
    first.prepare(`UPDATE tasks SET title = 'changed' WHERE owner = ?1`).bind(owner).run();
  expect((await change('ann')).meta.changes).toBe(0);
  await store(aTask({ owner: 'ann' }, NOW));
  expect(await rowsOf(first, 'ann')).toHaveLength(1_203);
  await store(aTask({ owner: 'bob' }, NOW));
  expect((await change('bob')).meta.changes).toBeGreaterThan(0);
});

it('takes any name of an owner', async () => {
  await moves.fence("o'neil@x.org");
  await first.prepare(`UPDATE tasks SET title = 'x' WHERE owner = 'o''neil@x.org'`).run();
  expect(await rowsOf(first, "o'neil@x.org")).toMatchObject([{ title: null }]);
  await moves.unfence("o'neil@x.org");
  await first.prepare(`UPDATE tasks SET title = 'x' WHERE owner = 'o''neil@x.org'`).run();
  expect(await rowsOf(first, "o'neil@x.org")).toMatchObject([{ title: 'x' }]);
});

it('copies asleep, a part at a time, and a second time nothing', async () => {
  expect(await copyAll('ann')).toBeGreaterThan(MOVE_TABLES.length);
  await copyAll('ann');
  const rows = await rowsOf(second, 'ann');
  expect(rows).toHaveLength(1_203);
  expect(rows.every((row) => row['wake_at'] === null || row['wake_at'] === NEVER)).toBe(true);
  const [counted] = (
    await second.prepare(`SELECT task_bytes FROM owners WHERE owner = 'ann'`).all()
  ).results;
  const [before] = (await first.prepare(`SELECT task_bytes FROM owners WHERE owner = 'ann'`).all())
    .results;
  expect(counted).toEqual(before);
});

it('wakes what sleeps, and leaves alone what was changed meanwhile', async () => {
  const [one] = await rowsOf(second, 'ann');
  await second
    .prepare(
      `UPDATE tasks
      SET status = 'CANCELLED', completed_at = ?2, wake_at = NULL, held = NULL
      WHERE id = ?1`,
    )
    .bind(one?.['id'], NOW)
    .run();
  await wakeAll('ann');
  await wakeAll('ann');
  const [cancelled, ...others] = await rowsOf(second, 'ann');
  expect(cancelled).toMatchObject({ status: 'CANCELLED', wake_at: null });
  expect(others).toEqual((await rowsOf(first, 'ann')).slice(1));
});

it('deletes the rest in parts, and lets new rows in again', async () => {
  await copyAll('ann', true);
  let parts = 0;
  while (await moves.clean('ann')) parts += 1;
  expect(parts).toBeGreaterThan(2);
  expect(await rowsOf(first, 'ann')).toEqual([]);
  await moves.unfence('ann');
  await store(aTask({ owner: 'ann' }, NOW));
  expect(await rowsOf(first, 'ann')).toHaveLength(1);
  expect(await createTaskStore(second).get('ann', 'none')).toBeNull();
  const { results } = await first
    .prepare(`SELECT name FROM sqlite_master WHERE name LIKE 'fence_%'`)
    .all();
  expect(results).toEqual([]);
});
