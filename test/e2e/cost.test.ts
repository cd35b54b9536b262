import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Handler } from '../../src/handlers/handler.ts';
import { dataProcessing } from '../../src/handlers/data-processing.ts';
import { fileProcessing } from '../../src/handlers/file-processing.ts';
import { longestConsecutiveLetters } from '../../src/handlers/longest-consecutive-letters.ts';
import { sum } from '../../src/handlers/sum.ts';

// What an owner can make the service compute: a search for the worst, its time measured. In Node,
// for the time of a Worker stands still while it computes.

/** Milliseconds of CPU that one task may take. */
const LIGHT_MS = 250;
const HEAVY_MS = 5_000;
/** A body holds no more. */
const MAX_BODY = 256 * 1_024;
const MAX_RESULT_MEMORY = 400e6;

const measure = async (
  handler: Handler,
  params: unknown,
): Promise<{ ms: number; bytes: number }> => {
  const parsed = handler.params.safeParse(params);
  if (!parsed.success) return { ms: 0, bytes: 0 };
  const before = process.memoryUsage().rss;
  const startedAt = process.cpuUsage();
  try {
    await handler.run({
      params: parsed.data,
      taskId: 'id',
      signal: new AbortController().signal,
      progress: () => {},
      files: {
        save: async (_name: string, pieces: AsyncIterable<Uint8Array>) => {
          let bytes = 0;
          for await (const piece of pieces) bytes += piece.byteLength;
          return { bytes };
        },
      },
    } as never);
  } catch {
    // It refused, which is well: what counts is how long it took to.
  }
  const { user, system } = process.cpuUsage(startedAt);
  return { ms: (user + system) / 1_000, bytes: process.memoryUsage().rss - before };
};

const SLOW_PARTS = [
  'a',
  'b',
  ' ',
  '\n',
  'e\u0301',
  '\u0301\u0316',
  '\u200d',
  '\u{1f468}\u200d',
  '\u1100',
  '\u0600',
  '\ufe0f',
  '\u0915\u094d',
  '漢',
  '👍',
  '\u{1f1e6}',
  '"',
  ',',
  '=',
  '\\',
  '1',
  '{}',
];

/** A text as long as a body allows, made of parts that are known to be slow somewhere. */
const slowText = fc
  .array(fc.constantFrom(...SLOW_PARTS), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join(''))
  .map((part) => part.repeat(Math.floor(100_000 / part.length)));

it('computes no light task for longer than 250 ms', async () => {
  let worst = 0;
  await fc.assert(
    fc.asyncProperty(slowText, async (string) => {
      const { ms } = await measure(longestConsecutiveLetters, { string });
      worst = Math.max(worst, ms);
      expect(ms).toBeLessThan(LIGHT_MS);
    }),
    { numRuns: 60 },
  );
  const { ms } = await measure(sum, { a: 1e308, b: -1e308 });
  expect(ms).toBeLessThan(LIGHT_MS);
  console.log(`light: at worst ${worst.toFixed(0)} ms`);
});

const longNames = Array.from({ length: 100 }, (_, i) => `n${i}`.padEnd(200, 'x'));
const row = fc.constantFrom(
  {},
  { a: 1 },
  { a: 'x'.repeat(100), b: 'y' },
  { a: ['x'.repeat(20), { b: [1, 2, 3] }] },
  { a: 'a'.repeat(2_000) },
  Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`f${i}`, i])),
);
const rows = fc.tuple(row, fc.boolean()).map(([one, varies]) => {
  const count = Math.floor((MAX_BODY * 0.8) / (JSON.stringify(one).length + 12));
  return Array.from({ length: count }, (_, i) => (varies ? { ...one, i } : one));
});
const operation = fc.oneof(
  fc
    .constantFrom('a', 'i', 'nothing')
    .map((field) => ({ op: 'sort', by: [{ field, order: 'descending' }] })),
  fc.integer({ min: 1, max: 10 }).map((n) => ({
    op: 'sort',
    by: longNames.slice(0, n).map((field) => ({ field })),
  })),
  fc.constant({ op: 'unique' }),
  fc.integer({ min: 1, max: 100 }).map((n) => ({ op: 'unique', fields: longNames.slice(0, n) })),
  fc.integer({ min: 1, max: 100 }).map((n) => ({ op: 'pick', fields: longNames.slice(0, n) })),
  fc.integer({ min: 1, max: 100 }).map((n) => ({
    op: 'rename',
    fields: Object.fromEntries(
      longNames.slice(0, n).map((name) => [name, `${name.slice(0, -1)}y`]),
    ),
  })),
  fc.integer({ min: 1, max: 100 }).map((n) => ({
    op: 'group',
    by: ['i'],
    calculate: Object.fromEntries(
      longNames.slice(0, n).map((name) => [name, { function: 'count' }]),
    ),
  })),
  fc.constant({ op: 'filter', field: 'a', is: 'contains', value: `b${'a'.repeat(999)}` }),
  fc.constant({
    op: 'filter',
    field: 'a',
    is: 'in',
    value: Array.from({ length: 1_000 }, (_, i) => i),
  }),
);
/** One operation, many times over, or several different ones. */
const operations = fc.oneof(
  fc
    .tuple(operation, fc.integer({ min: 1, max: 50 }))
    .map(([one, n]) => Array(n).fill(one) as object[]),
  fc.array(operation, { minLength: 1, maxLength: 50 }),
);

it('computes no data_processing for longer than 5 s, nor within more memory than it may', async () => {
  let [worst, most] = [0, 0];
  await fc.assert(
    fc.asyncProperty(rows, operations, async (data, steps) => {
      const { ms, bytes } = await measure(dataProcessing, { data, operations: steps });
      [worst, most] = [Math.max(worst, ms), Math.max(most, bytes)];
      expect(ms).toBeLessThan(HEAVY_MS);
      expect(bytes).toBeLessThan(MAX_RESULT_MEMORY);
    }),
    { numRuns: 60 },
  );
  console.log(`data_processing: at worst ${worst.toFixed(0)} ms, ${(most / 1e6).toFixed(0)} MB`);
});

it('computes no file_processing of a text for longer than 5 s', async () => {
  let worst = 0;
  await fc.assert(
    fc.asyncProperty(
      slowText,
      fc.constantFrom('csv', 'json', 'ndjson', 'text'),
      fc.constantFrom('summarize', 'convert', 'count'),
      async (content, format, operation_) => {
        const to = operation_ === 'convert' ? { to: 'csv' } : {};
        const params = { content, format, operation: operation_, ...to };
        const { ms } = await measure(fileProcessing, params);
        worst = Math.max(worst, ms);
        expect(ms).toBeLessThan(HEAVY_MS);
      },
    ),
    { numRuns: 60 },
  );
  console.log(`file_processing: at worst ${worst.toFixed(0)} ms`);
});
