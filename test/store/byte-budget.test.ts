import { expect, it } from 'vitest';
import { createByteBudget } from '../../src/store/byte-budget.ts';

const setup = (maxBytes: number) => {
  let time = 0;
  const wait = async (ms: number) => {
    time += ms;
    await new Promise((resolve) => setTimeout(resolve, 0));
  };
  const budget = createByteBudget({ now: () => time, wait }, maxBytes);
  return { ...budget, pass: (ms: number) => void (time += ms) };
};

it('lets in what fits, and the next one once there is room', async () => {
  const budget = setup(100);
  const release = await budget.take(60);
  await budget.take(40);
  const order: string[] = [];
  const waiting = budget.take(50).then(() => order.push('next'));
  await new Promise((resolve) => setTimeout(resolve, 5));
  order.push('release');
  release();
  await waiting;
  expect(order).toEqual(['release', 'next']);
});

it('lets in what is larger than all, by itself', async () => {
  const budget = setup(100);
  const release = await budget.take(1_000);
  await expect(budget.take(1)).rejects.toMatchObject({ code: 'overloaded' });
  release();
  await expect(budget.take(1)).resolves.toBeDefined();
});

it('forgets who went away', async () => {
  const budget = setup(10);
  await budget.take(10);
  budget.pass(300_001);
  await expect(budget.take(10)).resolves.toBeDefined();
});
