import { env } from 'cloudflare:workers';
import { expect, it, vi } from 'vitest';
import { createElsewhere, OwnerMoving } from '../../src/engine/elsewhere.ts';
import type { Lease, LeaseStore } from '../../src/store/leases.ts';
import { createRecordings, type Recording } from '../../src/store/recordings.ts';
import type { Transitions } from '../../src/store/transitions.ts';
import { aTask } from '../support/rows.ts';

const NOW = 1_900_000_000_000;

/** Where each owner of the tests lives: this is shard 0. */
const HOMES = new Map([
  ['here', { shard: 0, isMoving: false }],
  ['away', { shard: 1, isMoving: false }],
  ['moving', { shard: 0, isMoving: true }],
]);

/** A shard that has the tasks of these owners, and writes down what was recorded. */
const aShard = (...owners: string[]) => {
  const recorded: string[] = [];
  const written: string[] = [];
  const renewed: string[] = [];
  const held = async (leases: readonly Lease[]): Promise<Set<string>> => {
    const own = leases.filter(({ owner }) => owners.includes(owner));
    renewed.push(...own.map(({ owner }) => owner));
    return new Set(own.map(({ id }) => id));
  };
  const leases: LeaseStore = { renew: held, findHeld: held };
  const transitions = {
    async record(recordings: readonly Recording[]) {
      const own = recordings.filter(({ task }) => owners.includes(task.owner));
      recorded.push(...own.map(({ task }) => task.owner));
      return own.map(({ task }) => task);
    },
    async writeRecordings(kept: readonly string[]) {
      written.push(...kept);
    },
  } as unknown as Transitions;
  return { leases, transitions, recorded, written, renewed };
};

const arrange = (count = 2) => {
  const [here, there] = [aShard('here'), aShard('away')];
  const findMany = vi.fn(async (owners: readonly string[]) => {
    const known = owners.flatMap((owner) => {
      const home = HOMES.get(owner);
      return home ? [[owner, home] as const] : [];
    });
    return new Map(known);
  });
  const elsewhere = createElsewhere({
    homes: { count, findMany },
    shard: 0,
    findShard: () => there,
  });
  return { here, there, findMany, elsewhere };
};
const recordingOf = (owner: string): Recording => ({
  task: { ...aTask({ owner }, NOW), status: 'IN_PROGRESS', attempt: 1 },
  verdict: { transition: 'complete', result: '{"result":1}' },
});
const leaseOf = (owner: string): Lease => ({ owner, id: owner, attempt: 1, progress: null });

it('asks nothing where there is one database only', async () => {
  const { here, elsewhere, findMany } = arrange(1);
  expect(elsewhere.forLeases(here.leases)).toBe(here.leases);
  expect(elsewhere.forTransitions(here.transitions)).toBe(here.transitions);
  expect(findMany).not.toHaveBeenCalled();
});

it('asks nothing while everything is found here', async () => {
  const { here, elsewhere, findMany } = arrange();
  await elsewhere.forLeases(here.leases).renew([leaseOf('here')], NOW);
  await elsewhere.forTransitions(here.transitions).record([recordingOf('here')], NOW);
  expect(findMany).not.toHaveBeenCalled();
});

it('renews a lease where its owner lives now, and keeps one that is on its way', async () => {
  const { here, there, elsewhere } = arrange();
  const leases = elsewhere.forLeases(here.leases);
  const all = ['here', 'away', 'moving', 'unknown'].map(leaseOf);
  expect(await leases.renew(all, NOW)).toEqual(new Set(['here', 'away', 'moving']));
  expect(await leases.findHeld(all)).toEqual(new Set(['here', 'away', 'moving']));
  expect(there.renewed).toEqual(['away', 'away']);
});

it('records an outcome where its owner lives now', async () => {
  const { here, there, elsewhere } = arrange();
  const transitions = elsewhere.forTransitions(here.transitions);
  const recordings = ['here', 'away', 'unknown'].map(recordingOf);
  const written = await transitions.record(recordings, NOW);
  expect(written.map(({ owner }) => owner)).toEqual(['here', 'away']);
  expect(there.recorded).toEqual(['away']);
});

it('writes the others, and then says that one is on its way', async () => {
  const { here, there, elsewhere } = arrange();
  const transitions = elsewhere.forTransitions(here.transitions);
  const recordings = ['here', 'moving', 'away'].map(recordingOf);
  const moving = await transitions.record(recordings, NOW).catch((error: unknown) => error);
  expect(moving).toBeInstanceOf(OwnerMoving);
  expect(moving).toMatchObject({
    moving: [recordings[1]],
    written: [recordings[0]?.task, recordings[2]?.task],
  });
  expect([here.recorded, there.recorded]).toEqual([['here'], ['away']]);
  const kept = createRecordings(env.DB, null).encodeRecordings(
    ['moving', 'away'].map(recordingOf),
    NOW,
  );
  await expect(transitions.writeRecordings(kept)).rejects.toBeInstanceOf(OwnerMoving);
  expect(there.written).toEqual([kept[1]]);
});
