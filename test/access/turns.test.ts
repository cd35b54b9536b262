import { expect, it } from 'vitest';
import { createTurns } from '../../src/access/turns.ts';

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

it('lets one of a name work at a time, and others beside it', async () => {
  const turns = createTurns({ now: Date.now, wait });
  let [running, most] = [0, 0];
  const work = async (): Promise<void> => {
    running += 1;
    most = Math.max(most, running);
    await wait(5);
    running -= 1;
  };
  await Promise.all(Array.from({ length: 8 }, () => turns.take('a', work)));
  expect(most).toBe(1);
  await Promise.all(['a', 'b', 'c'].map((name) => turns.take(name, work)));
  expect(most).toBe(3);
});

it('refuses to wait behind too many, and goes on after a failure', async () => {
  const turns = createTurns({ now: Date.now, wait });
  const all = Array.from({ length: 70 }, () => turns.take('a', () => wait(5)));
  const refused = (await Promise.allSettled(all)).filter(({ status }) => status === 'rejected');
  expect(refused).toHaveLength(19);
  await expect(turns.take('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await turns.take('a', async () => 1)).toBe(1);
});
