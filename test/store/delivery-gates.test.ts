import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createGate } from '../../src/domain/delivery-gate.ts';
import { createDeliveryGateStore } from '../../src/store/delivery-gates.ts';

const gates = createDeliveryGateStore(env.DB);
const reserve = (name: string, minute: number, count: number) =>
  gates.reserve([{ name, minute, count, allowance: 60 }]);

it('adds up what is sent in a minute, whoever sends it, and begins anew with the next', async () => {
  await Promise.all([reserve('host a', 1, 3), reserve('host a', 1, 4)]);
  expect(await gates.getMany(['host a', 'host b'])).toMatchObject([{ name: 'host a', sent: 7 }]);
  await reserve('host a', 2, 1);
  expect(await gates.getMany(['host a'])).toMatchObject([{ minute: 2, sent: 1 }]);
  await reserve('host a', 1, 1); // by a clock that is late
  expect(await gates.getMany(['host a'])).toMatchObject([{ minute: 2, sent: 2 }]);
});

it('settles how tries went, and leaves what others count alone', async () => {
  await reserve('host c', 1, 2);
  await gates.settle([{ ...createGate('host c', 30), failures: 3, closed_until: 9_000 }]);
  const [gate] = await gates.getMany(['host c']);
  expect(gate).toMatchObject({ failures: 3, closed_until: 9_000, allowance: 30, sent: 2 });
});

it('asks the database for nothing where nothing is to be done', async () => {
  expect(await gates.getMany([])).toEqual([]);
  await gates.reserve([]);
  await gates.settle([]);
});

it('gives one of many the turn, tells the others when, and takes a turn back', async () => {
  const tries = Array.from({ length: 5 }, () => gates.takeTurn('digest', 1_000, 500));
  const outcomes = await Promise.all(tries);
  expect(outcomes.filter((each) => each === null)).toHaveLength(1);
  expect(outcomes.filter((each) => each?.nextAt === 1_500)).toHaveLength(4);
  expect(await gates.takeTurn('digest', 1_499, 500)).toEqual({ nextAt: 1_500 });
  expect(await gates.takeTurn('digest', 1_500, 500)).toBeNull();
  await gates.giveTurnBack('digest', 1_600);
  expect(await gates.takeTurn('digest', 1_600, 500)).toBeNull();
});
