import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createMover, type MoverDeps } from '../../src/engine/mover.ts';
import type { Moves } from '../../src/store/moves.ts';
import { createShardStore } from '../../src/store/shards.ts';

const shards = createShardStore(env.DB);
const KNOWN_MS = 2_000;
const ARRIVED_MS = 5_000;

/** A mover between databases that say what was asked of them; each table has two parts. */
const arrange = () => {
  const calls: string[] = [];
  let clock = 1_000_000;
  let left = 2;
  const part = (name: string, n: number, after: string | null, tables: number) => {
    if (n >= tables) return null;
    calls.push(`${name} ${n}${after ?? ''}`);
    return { rows: 1, next: after === null ? '+' : null };
  };
  const findMoves = (from: number, to: number): Moves => ({
    fence: async () => void calls.push(`fence ${from} to ${to}`),
    unfence: async () => void calls.push('unfence'),
    copy: async (_owner, n, after, isLate) =>
      part(isLate ? 'late' : 'copy', n, after, isLate ? 1 : 2),
    wake: async (_owner, n, after) => part('wake', n, after, 1),
    clean: async () => {
      left -= 1;
      if (left >= 0) calls.push('clean');
      return left >= 0;
    },
  });
  const deps: MoverDeps = {
    shards,
    count: 3,
    knownAfterMs: KNOWN_MS,
    arrivedAfterMs: ARRIVED_MS,
    findMoves,
    wakeClock: async (shard) => void calls.push(`clock ${shard}`),
    now: () => clock,
  };
  return { calls, deps, mover: createMover(deps), pass: (ms: number) => void (clock += ms) };
};
const homeOf = async (owner: string) => (await shards.find([owner]))[0];

it('announces, fences, copies, switches, wakes, and cleans at last', async () => {
  const { calls, mover, pass } = arrange();
  expect(await mover.move('ann', 2)).toEqual({
    owner: 'ann',
    from: 0,
    to: 2,
    phase: 'announced',
    rows: 0,
    wait_ms: KNOWN_MS,
  });
  expect(calls).toEqual([]);
  expect(await homeOf('ann')).toMatchObject({ shard: 0, isMoving: true });
  pass(KNOWN_MS);
  expect(await mover.move('ann', 2)).toMatchObject({ phase: 'cleaning', wait_ms: ARRIVED_MS });
  expect(calls).toEqual([
    'fence 0 to 2',
    'copy 0',
    'copy 0+',
    'copy 1',
    'copy 1+',
    'wake 0',
    'wake 0+',
    'clock 2',
    'late 0',
    'late 0+',
  ]);
  expect(await homeOf('ann')).toMatchObject({ shard: 2, isMoving: false, moving_to: 2 });
  pass(ARRIVED_MS);
  expect(await mover.move('ann', 2)).toMatchObject({ phase: 'done', from: 0, wait_ms: 0 });
  expect(calls.slice(-3)).toEqual(['clean', 'clean', 'unfence']);
  expect(await homeOf('ann')).toMatchObject({ shard: 2, moving_to: null });
});

it('goes on where it stood, with the part that was interrupted', async () => {
  const { calls, deps, pass } = arrange();
  await createMover(deps).move('bob', 1);
  pass(KNOWN_MS);
  let isBroken = true;
  const breaking = createMover({
    ...deps,
    findMoves: (from, to) => ({
      ...deps.findMoves(from, to),
      copy: async (owner, n, after, isLate) => {
        if (n === 1 && isBroken) throw new Error('killed');
        return deps.findMoves(from, to).copy(owner, n, after, isLate);
      },
    }),
  });
  await expect(breaking.move('bob', 1)).rejects.toThrow('killed');
  isBroken = false;
  await breaking.move('bob', 1);
  const copies = calls.filter((call) => call.startsWith('copy'));
  expect(copies).toEqual(['copy 0', 'copy 0+', 'copy 1', 'copy 1+']);
  expect(calls.filter((call) => call.startsWith('fence'))).toHaveLength(1);
});

it('does nothing where the owner lives already', async () => {
  const { calls, mover } = arrange();
  expect(await mover.move('new', 0)).toMatchObject({ phase: 'done', from: 0, rows: 0 });
  expect(calls).toEqual([]);
});

it.each([3, -1, 1.5, NaN])('knows no shard %s', async (to) => {
  await expect(arrange().mover.move('ann', to)).rejects.toMatchObject({ code: 'shard_not_found' });
});

it('begins no second move of an owner', async () => {
  const { mover } = arrange();
  await mover.move('cid', 1);
  await expect(mover.move('cid', 2)).rejects.toMatchObject({
    code: 'owner_moving',
    message: expect.stringContaining('shard 1'),
  });
});
