import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LimitNumbers } from '../../src/domain/limit.ts';
import { FOR_EVER } from '../../src/domain/registered-type.ts';
import { createAdmissionStore } from '../../src/store/admission.ts';
import { createLimitStore } from '../../src/store/limits.ts';
import { createSweeps } from '../../src/store/sweeps.ts';
import { createTransitions } from '../../src/store/transitions.ts';
import { observeDatabase } from '../support/database.ts';
import { holdTasks, putLimit } from '../support/limits.ts';

const NOW = 1_900_000_000_000;
const OWNER = 'limited';
const { admit, findDue, findWaiting } = createAdmissionStore(env.DB);

const put = (numbers: Partial<LimitNumbers> = {}) => putLimit(OWNER, numbers, NOW);
const hold = (count: number, subKeys: readonly string[] = ['']) =>
  holdTasks(OWNER, count, NOW, { subKeys });
const admitAt = async (at: number) => {
  const [admission] = await admit([{ owner: OWNER, key: 'k' }], at);
  if (!admission) throw new Error('No answer');
  return admission;
};
const readSubs = async (ids: readonly string[]): Promise<string[]> => {
  const sql = 'SELECT sub_key FROM tasks WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id';
  return (await env.DB.prepare(sql).bind(JSON.stringify(ids)).raw<[string]>()).map(([sub]) => sub);
};
const end = async (ids: readonly string[]): Promise<void> => {
  const transitions = createTransitions(env.DB);
  await transitions.commandMany('cancel', OWNER, ids, NOW);
};
const toIds = (tasks: readonly { id: string }[]): string[] => tasks.map(({ id }) => id);

beforeEach(async () => {
  const tables = ['tasks', 'limits', 'limit_subs'];
  await env.DB.batch(tables.map((table) => env.DB.prepare(`DELETE FROM ${table}`)));
});
afterEach(() => vi.restoreAllMocks());

it('admits what there is room for, the oldest first, and as many more as end', async () => {
  await put({ max_running: 3 });
  const tasks = await hold(7);
  const first = await admitAt(NOW);
  expect(toIds(first.tasks).toSorted()).toEqual(toIds(tasks.slice(0, 3)));
  expect(first.wakeAt).toBeNull();
  expect((await admitAt(NOW)).tasks).toEqual([]);
  await end(toIds(tasks.slice(1, 3)));
  expect(toIds((await admitAt(NOW)).tasks).toSorted()).toEqual(toIds(tasks.slice(3, 5)));
});

it('lets urgent tasks go first, and sub-keys take turns', async () => {
  await put({ max_running: 4 });
  const tasks = await hold(9, ['a', 'a', 'a', 'a', 'a', 'a', 'a', 'b', 'c']);
  const first = await admitAt(NOW);
  expect((await readSubs(toIds(first.tasks))).toSorted()).toEqual(['a', 'a', 'b', 'c']);
  // The next turn begins after the one that came last.
  await end(toIds(first.tasks));
  await hold(1, ['b']);
  await env.DB.prepare('UPDATE limits SET max_running = 1').run();
  const [next] = (await admitAt(NOW)).tasks;
  expect(await readSubs([next?.id ?? ''])).toEqual(['b']);
  await env.DB.prepare(`UPDATE tasks SET turn = '0' || id WHERE id = ?`).bind(tasks[6]?.id).run();
  await end([next?.id ?? '']);
  expect(toIds((await admitAt(NOW)).tasks)).toEqual([tasks[6]?.id]);
});

it('gives each sub-key its own share', async () => {
  await put({ max_running: 5, sub_max_running: 1 });
  await hold(9, ['a', 'b', 'c']);
  const { tasks } = await admitAt(NOW);
  expect((await readSubs(toIds(tasks))).toSorted()).toEqual(['a', 'b', 'c']);
  expect((await admitAt(NOW)).tasks).toEqual([]);
});

it.each([
  [{ rate_count: 100, rate_ms: 1_000 }, 50, 25],
  [{ rate_count: 1, rate_ms: 2_000 }, 1, 1],
  [{ rate_count: 4, rate_ms: 1_000, rate_burst: 10 }, 11, 1],
])('spaces %j evenly, and says when it goes on', async (numbers, first, slice) => {
  await put(numbers);
  await hold(300);
  let { tasks, wakeAt } = await admitAt(NOW);
  expect(tasks).toHaveLength(first);
  for (let i = 0; i < 4; i += 1) {
    const at = wakeAt ?? 0;
    expect((await admitAt(at - 2)).tasks.length).toBeLessThan(slice);
    ({ tasks, wakeAt } = await admitAt(at));
    expect(tasks.length).toBeGreaterThan(0);
  }
  expect(await findDue((wakeAt ?? 0) - 1, 10)).toEqual([]);
  expect(await findDue(wakeAt ?? 0, 10)).toEqual([{ owner: OWNER, key: 'k' }]);
});

it('gives each sub-key its own rate, and forgets no token of a clock that is put back', async () => {
  await put({ sub_rate_count: 2, sub_rate_ms: 1_000 });
  await hold(20, ['a', 'b']);
  expect((await admitAt(NOW)).tasks).toHaveLength(2);
  expect((await admitAt(NOW + 250)).tasks).toHaveLength(2);
  expect((await admitAt(NOW - 3_600_000)).tasks).toHaveLength(0);
  const { tasks, wakeAt } = await admitAt(NOW + 1_000);
  expect([tasks.length, wakeAt]).toEqual([2, NOW + 1_250]);
});

it('admits nothing while it is paused, and everything once it is deleted', async () => {
  const limits = createLimitStore(env.DB);
  await put({ max_running: 1 });
  await hold(5, ['a', 'b']);
  await limits.pause(OWNER, 'k', NOW + 60_000, NOW);
  expect(await admitAt(NOW)).toEqual({ tasks: [], wakeAt: NOW + 60_000 });
  await limits.pause(OWNER, 'k', FOR_EVER, NOW);
  expect(await admitAt(NOW)).toEqual({ tasks: [], wakeAt: null });
  await limits.remove(OWNER, 'k');
  expect((await admitAt(NOW)).tasks).toHaveLength(5);
});

it('finds the keys that hold tasks by seeks, some at a time', async () => {
  for (const key of ['k', 'l', 'm']) {
    await putLimit(OWNER, { max_running: 1 }, NOW, key);
    await holdTasks(OWNER, 3, NOW, { key });
    await holdTasks('other', 3, NOW, { key });
  }
  const observed = observeDatabase();
  const first = await findWaiting({ owner: '', key: '' }, 4);
  observed.stop();
  expect(first.map(({ owner, key }) => `${owner}/${key}`)).toEqual([
    'limited/k',
    'limited/l',
    'limited/m',
    'other/k',
  ]);
  expect(await findWaiting(first.at(-1) ?? { owner: '', key: '' }, 4)).toHaveLength(2);
  expect(observed.asked[0]?.rowsRead).toBeLessThan(30);
});

it('counts no time twice, though calls overtake each other', async () => {
  await put({ rate_count: 10, rate_ms: 1_000, sub_rate_count: 10, sub_rate_ms: 1_000 });
  await hold(300, ['a']);
  let admittedInAll = 0;
  for (let at = 0; at <= 5_000; at += 10)
    admittedInAll += (await admitAt(NOW + at + (at % 20 === 0 ? 500 : 0))).tasks.length;
  // What may begin together, and ten a second.
  expect(admittedInAll).toBeLessThanOrEqual(5 + 55);
  expect(admittedInAll).toBeGreaterThan(50);
});

it('comes to whoever may begin behind thousands that may not', async () => {
  await put({ sub_rate_count: 1, sub_rate_ms: 3_600_000 });
  const spent = Array.from({ length: 2_500 }, (_, i) => `spent-${String(i).padStart(4, '0')}`);
  await env.DB.prepare(`INSERT INTO limit_subs SELECT ?1, 'k', value, 0, ?2 FROM json_each(?3)`)
    .bind(OWNER, NOW, JSON.stringify(spent))
    .run();
  await hold(2_501, [...spent, 'zzz']);
  const rounds = [await admitAt(NOW), await admitAt(NOW + 250)];
  expect(rounds.map(({ tasks }) => tasks.length)).toEqual([0, 1]);
  // Nobody else comes soon: the clock need not ask all the time.
  expect((rounds[1]?.wakeAt ?? 0) - NOW).toBeGreaterThanOrEqual(30_000);
});

it('says when the next token of a sub-key comes, however far that is', async () => {
  await put({ rate_count: 1, rate_ms: 1_000, sub_rate_count: 1, sub_rate_ms: 86_400_000 });
  const [, second] = await hold(2, ['a']);
  const first = await admitAt(NOW);
  expect([first.tasks.length, first.wakeAt]).toEqual([1, NOW + 750]);
  const next = await admitAt(NOW + 1_000);
  expect([next.tasks.length, Number(next.wakeAt) - NOW > 86_000_000]).toEqual([0, true]);
  await end([second?.id ?? '']);
  expect(await admitAt(NOW + 2_000)).toEqual({ tasks: [], wakeAt: null });
});

it('forgets sub-keys whose rate is whole again, or gone, and no others', async () => {
  await put({ sub_rate_count: 1, sub_rate_ms: 60_000 });
  await hold(5, ['a', 'b', 'c', 'd', 'e']);
  await admitAt(NOW);
  await env.DB.prepare(`UPDATE limit_subs SET tokens_at = ? WHERE sub_key > 'c'`)
    .bind(NOW + 50_000)
    .run();
  const { pruneSubs } = createAdmissionStore(env.DB);
  const readLeft = async () =>
    (await env.DB.prepare('SELECT sub_key FROM limit_subs').raw<[string]>()).flat();
  const first = await pruneSubs({ owner: '', key: '', sub_key: '' }, NOW + 61_000, 2);
  expect(first).toEqual({ owner: OWNER, key: 'k', sub_key: 'b' });
  expect(await readLeft()).toEqual(['c', 'd', 'e']);
  expect(await pruneSubs(first ?? { owner: '', key: '', sub_key: '' }, NOW + 61_000, 9)).toBeNull();
  expect(await readLeft()).toEqual(['d', 'e']);
  await createLimitStore(env.DB).remove(OWNER, 'k');
  await pruneSubs({ owner: '', key: '', sub_key: '' }, NOW + 61_000, 9);
  expect(await readLeft()).toEqual([]);
});

it('passes by what another release has let go without its turn', async () => {
  await put({ max_running: 1 });
  const [ghost, next] = await hold(2);
  // Such as a change of the priority by a release that knows no turns.
  await env.DB.prepare(`UPDATE tasks SET held = 'worker', wake_at = NULL WHERE id = ?`)
    .bind(ghost?.id)
    .run();
  expect(toIds((await admitAt(NOW)).tasks)).toEqual([next?.id]);
});

it('lets what was parked in a paused queue go by its rate, and not at once', async () => {
  await put({ rate_count: 4, rate_ms: 1_000 });
  await hold(20);
  await env.DB.prepare(`INSERT INTO queues (name, paused_at) VALUES ('default-medium', 1)`).run();
  for (let at = NOW; at < NOW + 5_000; at += 250) await admitAt(at);
  await env.DB.prepare('DELETE FROM queues').run();
  const { unparked } = await createSweeps(env.DB).sweep(NOW + 5_000, 100, []);
  expect(unparked.length).toBeGreaterThan(15);
  expect(
    new Set(unparked.map(({ held, limit_key: key }) => `${String(held)} ${String(key)}`)),
  ).toEqual(new Set(['limit k']));
  expect((await admitAt(NOW + 5_000)).tasks.length).toBeLessThanOrEqual(2);
});

describe('what it costs', () => {
  const measure = async () => {
    const observed = observeDatabase();
    const { tasks } = await admitAt(NOW);
    observed.stop();
    const sum = (of: 'rowsRead' | 'rowsWritten') =>
      observed.asked.reduce((total, each) => total + each[of], 0);
    return { tasks, read: sum('rowsRead'), written: sum('rowsWritten') };
  };

  it.each([
    ['one key', { max_running: 10 }, ['']],
    [
      'ten thousand sub-keys',
      { max_running: 10 },
      Array.from({ length: 10_000 }, (_, i) => `tenant-${i}`),
    ],
    [
      'ten thousand sub-keys with a share each',
      { max_running: 10, sub_max_running: 1 },
      Array.from({ length: 10_000 }, (_, i) => `tenant-${i}`),
    ],
    ['seven sub-keys', { max_running: 100 }, ['a', 'b', 'c', 'd', 'e', 'f', 'g']],
  ])('%s: 20 rows a task in groups, max_running and 30 for one', async (_, numbers, subKeys) => {
    await put(numbers);
    await hold(20_000, subKeys);
    const group = await measure();
    expect(group.tasks).toHaveLength(numbers.max_running);
    expect(group.read / group.tasks.length).toBeLessThanOrEqual(20);
    expect(group.written / group.tasks.length).toBeLessThanOrEqual(3.1);
    await end(toIds(group.tasks.slice(0, 1)));
    const one = await measure();
    expect(one.tasks).toHaveLength(1);
    expect(one.read).toBeLessThanOrEqual(numbers.max_running + 30);
    expect(one.written).toBeLessThanOrEqual(4);
    console.log(`admission, ${_}: ${group.read / group.tasks.length} and ${one.read} rows read`);
  });
});

/** What an admission must do, by the rules alone. */
interface World {
  max: number;
  subMax: number;
  cursor: string;
  held: { id: string; sub: string }[];
  running: { id: string; sub: string }[];
}
const admitByRules = (world: World): string[] => {
  const admitted: string[] = [];
  const isFull = (sub: string): boolean =>
    world.running.filter((each) => each.sub === sub).length >= world.subMax;
  const subs = [...new Set(world.held.map(({ sub }) => sub))].toSorted();
  const order = [
    ...subs.filter((sub) => sub > world.cursor),
    ...subs.filter((sub) => sub <= world.cursor),
  ];
  for (let isMoved = true; isMoved;) {
    isMoved = false;
    for (const sub of order) {
      const next = world.held.find((each) => each.sub === sub);
      if (!next || isFull(sub) || world.running.length >= world.max) continue;
      world.held.splice(world.held.indexOf(next), 1);
      world.running.push(next);
      admitted.push(next.id);
      world.cursor = sub;
      isMoved = true;
    }
  }
  return admitted;
};

it('does what the rules say, whatever comes and ends', async () => {
  const step = fc.oneof(
    fc.record({
      come: fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 6 }),
    }),
    fc.record({ ends: fc.nat({ max: 9 }) }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }),
      fc.constantFrom(1, 2, 99),
      fc.array(step, { minLength: 1, maxLength: 8 }),
      async (max, subMax, steps) => {
        await env.DB.batch(
          ['tasks', 'limits'].map((table) => env.DB.prepare(`DELETE FROM ${table}`)),
        );
        await put({ max_running: max, sub_max_running: subMax });
        const world: World = { max, subMax, cursor: '', held: [], running: [] };
        for (const each of steps) {
          if ('come' in each) {
            const tasks = await hold(each.come.length, each.come);
            world.held.push(...tasks.map(({ id, sub_key: sub }) => ({ id, sub })));
          } else {
            const [gone] = world.running.splice(each.ends % Math.max(1, world.running.length), 1);
            if (gone) await end([gone.id]);
          }
          world.held.sort((a, b) => (a.id < b.id ? -1 : 1));
          const { tasks } = await admitAt(NOW);
          expect(toIds(tasks).toSorted()).toEqual(admitByRules(world).toSorted());
        }
      },
    ),
    { numRuns: 60 },
  );
});
