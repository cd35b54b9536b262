import { expect, it } from 'vitest';
import { readByteLines } from '../../src/client/byte-lines.ts';

const read = async (text: string, size: number, options?: { isWhole: boolean }) => {
  const bytes = new TextEncoder().encode(text);
  const chunks = async function* () {
    for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
  };
  const lines: string[] = [];
  for await (const line of readByteLines(chunks(), options))
    lines.push(new TextDecoder().decode(line));
  return lines;
};

it.each([1, 2, 3, 100])('reads lines from chunks of %i bytes', async (size) => {
  expect(await read('one\n\ntwö\n', size)).toEqual(['one', '', 'twö']);
  expect(await read('one\ncut', size)).toEqual(['one']);
  expect(await read('one\ncut', size, { isWhole: true })).toEqual(['one', 'cut']);
  expect(await read('one\n', size, { isWhole: true })).toEqual(['one']);
});
