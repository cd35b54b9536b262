import { expect, it } from 'vitest';
import { createByteBudget } from '../../src/store/byte-budget.ts';
import { PART_BYTES, splitParts } from '../../src/store/parts.ts';

const KB = 1_024;
const write = async function* (...sizes: number[]) {
  for (const [i, size] of sizes.entries()) yield new Uint8Array(size).fill(i + 1);
};
const setup = () => {
  let time = 0;
  const waits: number[] = [];
  const buffers = createByteBudget({
    now: () => time,
    wait: async (ms) => {
      waits.push(ms);
      time += ms;
      await new Promise((resolve) => setTimeout(resolve, 0));
    },
  });
  return { buffers, waits, pass: (ms: number) => void (time += ms) };
};

it.each([
  [[], [0]],
  [[5], [5]],
  [[200 * KB, 56 * KB], [256 * KB]],
  [[200 * KB, 57 * KB], [257 * KB]],
  [[PART_BYTES], [PART_BYTES, 0]],
  [[3 * PART_BYTES + 7], [PART_BYTES, PART_BYTES, PART_BYTES, 7]],
])('makes of %j bytes pieces of %j', async (sizes, expected) => {
  const pieces: number[] = [];
  let sum = 0;
  for await (const piece of splitParts(write(...sizes), Infinity, setup().buffers)) {
    pieces.push(piece.byteLength);
    sum += piece.reduce((total, byte) => total + byte, 0);
  }
  expect(pieces).toEqual(expected);
  expect(sum).toBe(sizes.reduce((total, size, i) => total + size * (i + 1), 0));
});

it('lets six large files be written at once, and small ones always', async () => {
  const { buffers, waits } = setup();
  let [running, most] = [0, 0];
  const save = async (bytes: number): Promise<void> => {
    for await (const piece of splitParts(write(bytes), Infinity, buffers)) {
      if (piece.byteLength > 256 * KB) running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 2));
      if (piece.byteLength > 256 * KB) running -= 1;
    }
  };
  await Promise.all([
    ...Array.from({ length: 20 }, () => save(1_000 * KB)),
    ...Array.from({ length: 50 }, () => save(10 * KB)),
  ]);
  expect(most).toBe(6);
  expect(waits.length).toBeGreaterThan(0);
});

it('refuses one that waited for too long, and forgets who went away', async () => {
  const { buffers, pass } = setup();
  for (let i = 0; i < 6; i += 1) await buffers.take(PART_BYTES);
  await expect(buffers.take(PART_BYTES)).rejects.toMatchObject({ code: 'overloaded' });
  pass(300_000);
  await expect(buffers.take(PART_BYTES)).resolves.toBeDefined();
});
