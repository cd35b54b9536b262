import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createShardStore, isOnItsWay, type OwnerShard } from '../../src/store/shards.ts';

const shards = createShardStore(env.DB);
const begin = async (owner: string, to: number, at: number): Promise<OwnerShard> => {
  const move = await shards.beginMove(owner, to, at, 'begun');
  if (!move) throw new Error('A move goes on');
  return move;
};

it('pins an owner once', async () => {
  expect(await shards.pin('pinned', 3)).toMatchObject({ owner: 'pinned', shard: 3 });
  expect(await shards.pin('pinned', 5)).toMatchObject({ shard: 3, moving_to: null });
  expect(await shards.find(['pinned', 'unknown', '__proto__'])).toEqual([
    {
      owner: 'pinned',
      shard: 3,
      moving_to: null,
      moving_since: null,
      step: null,
      isMoving: false,
    },
  ]);
  expect(await shards.find([])).toEqual([]);
});

it('counts and lists owners, a page at a time', async () => {
  for (const owner of ['list-a', 'list-b', 'list-c']) await shards.pin(owner, 7);
  expect((await shards.countOwners()).get(7)).toBe(3);
  const names = async (...given: Parameters<typeof shards.list>) =>
    (await shards.list(...given)).map(({ owner }) => owner);
  expect(await names('', 7, 2)).toEqual(['list-a', 'list-b']);
  expect(await names('list-b', 7, 2)).toEqual(['list-c']);
  expect(await names('list-', null, 1)).toEqual(['list-a']);
});

it('moves an owner that was never pinned from the first shard', async () => {
  const move = await begin('mover', 2, 10);
  expect(move).toMatchObject({ shard: 0, moving_to: 2, moving_since: 10, step: 'begun' });
  expect(isOnItsWay(move)).toBe(true);
  expect(await shards.beginMove('mover', 4, 11, 'other')).toBeNull();
  expect(await shards.noteStep(move, 'copied')).toMatchObject({ step: 'copied', shard: 0 });
  const switched = await shards.switch(move, 'arrived');
  expect(switched).toMatchObject({ shard: 2, moving_to: 2, step: 'arrived' });
  expect(switched && isOnItsWay(switched)).toBe(false);
  await shards.endMove(move);
  expect(await shards.find(['mover'])).toMatchObject([{ shard: 2, moving_to: null, step: null }]);
});

it('ignores the steps of a move that is over', async () => {
  const first = await begin('late', 1, 20);
  await shards.switch(first, 'arrived');
  await shards.endMove(first);
  const second = await begin('late', 0, 21);
  expect(await shards.noteStep(first, 'late')).toBeNull();
  expect(await shards.switch(first, 'late')).toBeNull();
  await shards.endMove(first);
  expect(await shards.find(['late'])).toMatchObject([{ shard: 1, moving_to: 0, isMoving: true }]);
  expect(await shards.noteStep(second, 'on time')).toMatchObject({ step: 'on time' });
});
