import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { fileProcessing } from '../../src/handlers/file-processing.ts';
import { executorDeps, silentContext } from '../support/deps.ts';

/** Runs the handler over a file that comes in chunks of `chunkBytes`; returns what it wrote too. */
const run = async (
  params: Record<string, unknown>,
  content?: string,
  chunkBytes = 7,
): Promise<Record<string, unknown> & { written: string }> => {
  const bytes = new TextEncoder().encode(content);
  const decoder = new TextDecoder();
  let written = '';
  const result = await fileProcessing.run({
    ...executorDeps.dependencies,
    ...executorDeps.forOwner(),
    files: {
      open: async () => ({
        bytes: bytes.byteLength,
        etag: 'e',
        body: new ReadableStream({
          start(controller) {
            for (let i = 0; i < bytes.byteLength; i += chunkBytes)
              controller.enqueue(bytes.slice(i, i + chunkBytes));
            controller.close();
          },
        }),
      }),
      save: async (_name, pieces) => {
        for await (const piece of pieces) written += decoder.decode(piece, { stream: true });
        return { bytes: written.length };
      },
    },
    taskId: 'id',
    params: fileProcessing.params.parse({
      ...params,
      ...(content !== undefined && { file: `f.${String(params['format'])}` }),
    }),
    attempt: 1,
    checkpoint: null,
    signal: new AbortController().signal,
    progress: () => {},
    ...silentContext,
  });
  return { ...(result as object), written };
};
const csv = (content: string, more: object = {}, chunkBytes?: number) =>
  run({ format: 'csv', operation: 'summarize', ...more }, content, chunkBytes);
const toJson = async (content: string, chunkBytes?: number): Promise<unknown> =>
  JSON.parse((await csv(content, { operation: 'convert', to: 'json' }, chunkBytes)).written);

it.each([
  ['a,b\n1,2\r\n', [{ a: 1, b: 2 }]],
  [
    'a,b\r\n1,2\n3,4\n',
    [
      { a: 1, b: 2 },
      { a: 3, b: 4 },
    ],
  ],
  [
    'a,b\r1,2\r\n3,4',
    [
      { a: 1, b: 2 },
      { a: 3, b: 4 },
    ],
  ],
  ['\na,b\n1,2\n', [{ a: 1, b: 2 }]],
  ['\n \r\n\t\na,b\n\n1,2\n   \n\n', [{ a: 1, b: 2 }]],
  ['a\n\nx\n \n"  "\ny\n\n', [{ a: 'x' }, { a: '  ' }, { a: 'y' }]],
  ['a,b\r\n"x\r\ny",1\r\n', [{ a: 'x\r\ny', b: 1 }]],
  ['a;b\n1;2\n', [{ a: 1, b: 2 }]],
  ['a\tb\n1\t2\n', [{ a: 1, b: 2 }]],
  ['"a;b;c",d\n1,2\n', [{ 'a;b;c': 1, d: 2 }]],
  ['a,b\n x , 2 \n', [{ a: ' x ', b: 2 }]],
])('reads %j', async (content, rows) => {
  for (const chunkBytes of [1, 3, 1_000]) expect(await toJson(content, chunkBytes)).toEqual(rows);
});

it('reads any mixture of line ends, blank lines and quotes as its normal form', async () => {
  const cell = fc.oneof(
    fc.constantFrom('', ' ', '  x', 'é', '"', 'a"b', 'x\ny', 'x\r\ny', '\r', ',', ';', '漢字', '0'),
    fc.string({ maxLength: 6 }).map((text) => text.replaceAll('\0', '')),
  );
  const table = fc
    .integer({ min: 1, max: 4 })
    .chain((width) =>
      fc.array(fc.array(cell, { minLength: width, maxLength: width }), { maxLength: 6 }),
    );
  const end = fc.constantFrom('\n', '\r\n', '\r');
  const blank = fc.constantFrom('', '', '', '\n', '\r\n', '  \n', '\t\r');
  const quote = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  await fc.assert(
    fc.asyncProperty(
      table,
      fc.array(end, { minLength: 8, maxLength: 8 }),
      fc.array(blank, { minLength: 8, maxLength: 8 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 40 }),
      async (rows, ends, blanks, quotesAll, chunkBytes) => {
        const names = (rows[0] ?? ['']).map((_, i) => `n${i}`);
        const format = (text: string): string =>
          quotesAll || /^\s*$|^\s|\s$|["\r\n,;\t]/.test(text) ? quote(text) : text;
        const mixed = [names, ...rows]
          .map((row, i) => `${blanks[i]}${row.map(format).join(',')}${ends[i]}`)
          .join('');
        const normal = [names, ...rows].map((row) => `${row.map(quote).join(',')}\n`).join('');
        expect(await toJson(mixed, chunkBytes)).toEqual(await toJson(normal, 1_000));
        expect(
          JSON.parse((await csv(normal, { operation: 'convert', to: 'json' })).written),
        ).toHaveLength(rows.length);
      },
    ),
    { numRuns: Number(process.env['FUZZ_RUNS'] ?? 300) },
  );
});

it.each([
  ['a,b\r\n"x\r\ny",1\r\nbad\r\n', [4]],
  ['\n\na,b\n"1\n\n2",3\nbad\n4,5\nbad', [7, 9]],
  ['a,b\n\n \nbad\n\n1,2\n\nbad', [4, 8]],
  ['a,b\rbad\r\n1,2\nbad', [2, 4]],
  ['é,b\nbad\n', [2]],
])('names the line of what is malformed in %j', async (content, lines) => {
  for (const chunkBytes of [1, 1_000]) {
    const { malformed } = await csv(content, {}, chunkBytes);
    expect((malformed as { rows: { line: number }[] }).rows.map(({ line }) => line)).toEqual(lines);
  }
});

it('says what stands between the cells', async () => {
  expect((await csv('a;b,c;d\n1;2;3')).delimiter).toBe(';');
  expect((await csv('a\n1')).delimiter).toBe(',');
});

it('keeps codes as they are written, and converts columns that write back the same', async () => {
  const rows = await toJson('code,price,n,mixed\n713752e1,1.10,5,1\n12E3,2.25, 7 ,x\n');
  expect(rows).toEqual([
    { code: '713752e1', price: '1.10', n: 5, mixed: '1' },
    { code: '12E3', price: '2.25', n: 7, mixed: 'x' },
  ]);
  const { columns } = await csv('n\n 5\n6 \n');
  expect(columns).toMatchObject([{ type: 'integer', min: 5, max: 6, mean: 5.5 }]);
});

const BIG = '[{"id":9007199254740993,"x":0.12345678901234567890,"deep":[123456789012345678901]}]';
it('keeps every digit of numbers that no double holds', async () => {
  for (const format of ['json', 'ndjson']) {
    const content = format === 'json' ? BIG : BIG.slice(1, -1);
    const convert = async (to: string) =>
      (await run({ format, operation: 'convert', to }, content)).written;
    expect(await convert('csv')).toBe(
      'id,x,deep\n9007199254740993,0.12345678901234567890,[123456789012345678901]\n',
    );
    expect((await convert('ndjson')).trim()).toBe(BIG.slice(1, -1));
    expect(await convert('json')).toContain(BIG.slice(1, -1));
  }
});

it('refuses rows whose numbers are beyond all bounds, in JSON and NDJSON', async () => {
  for (const [format, content] of [
    ['json', '[{"n":1},{"n":1e400},{"n":[{"m":-1e999}]},{"n":2}]'],
    ['ndjson', '{"n":1}\n{"n":1e400}\n{"n":[{"m":-1e999}]}\n{"n":2}\n'],
  ]) {
    const { rows, malformed } = await run({ format, operation: 'summarize' }, content);
    expect(rows).toBe(2);
    expect(malformed).toMatchObject({ count: 2, rows: [{ line: 2 }, { line: 3 }] });
  }
});

it('refuses what stands behind the end of a list, wherever chunks end', async () => {
  const list = JSON.stringify(Array.from({ length: 200 }, (_, i) => ({ i })));
  for (const tail of [' '.repeat(5_000) + 'x', '[]', '\n,{}'])
    for (const chunkBytes of [5, 1_000_000])
      await expect(
        run({ format: 'json', operation: 'count' }, list + tail, chunkBytes),
      ).rejects.toThrow(/behind the end|not a JSON list/);
  expect((await run({ format: 'json', operation: 'count' }, `${list} \n\t`)).rows).toBe(200);
});

it('counts distinct values exactly', async () => {
  const long = 'x'.repeat(120);
  const { columns } = await csv(`t\n${long}1\n${long}2\n${long}3\n${long}1\n`);
  expect(columns).toMatchObject([{ distinct: 3 }]);
  const json = await run(
    { format: 'json', operation: 'summarize' },
    '[{"v":1},{"v":"1"},{"v":true},{"v":"true"},{"v":1.0},{"v":{"a":1,"b":2}},{"v":{"b":2,"a":1}}]',
  );
  expect(json['columns']).toMatchObject([{ distinct: 5 }]);
});

it('compares dates as moments', async () => {
  const { columns } = await csv(
    'd\n2024-01-01 11:00:00\n2024-01-01T10:00:00Z\n2024-01-01T13:30+04:00\n2024-01-01T10:00:00.0001Z\n',
  );
  expect(columns).toMatchObject([
    { type: 'date', min: '2024-01-01T13:30+04:00', max: '2024-01-01 11:00:00' },
  ]);
});

it('has a mean where the sum overflows', async () => {
  const { columns } = await run(
    { format: 'ndjson', operation: 'summarize' },
    '{"n":1e308}\n{"n":1e308}\n',
  );
  expect(columns).toMatchObject([{ mean: 1e308 }]);
});

it('counts characters as code points, and lines whatever ends them', async () => {
  const text = (content: string) => run({ format: 'text', operation: 'summarize' }, content, 1);
  expect(await text('👍\n')).toMatchObject({ characters: 1, longest_line: 1, lines: 1 });
  expect(await text('a\rb\r\nc\n\nd')).toMatchObject({ lines: 5, empty_lines: 1, characters: 4 });
});

it.each(['=1', '+x', '-x', '@x', '\tx', '\rx', '\nx', '＝1', '＋1', '－1', '＠x'])(
  'disarms %j in a CSV',
  async (cell) => {
    const { written, disarmed_cells } = await run(
      { format: 'ndjson', operation: 'convert', to: 'csv' },
      JSON.stringify({ a: cell }),
    );
    expect(disarmed_cells).toBe(1);
    expect(written.replace('a\n', '').replace('"', '')).toMatch(/^'/);
  },
);

it('takes no zone that there is not, and small letters', async () => {
  const lines = ['2024-01-01t10:00:00z', '2024-01-01T09:00Z', '2024-01-01T08:00+14:00'];
  const read = (more: string[]) =>
    run({ format: 'csv', operation: 'summarize' }, ['d', ...lines, ...more].join('\n'));
  expect(await read([])).toMatchObject({
    columns: [{ type: 'date', min: lines[2], max: lines[0] }],
  });
  for (const zone of ['+99:99', '+15:00', '-10:60'])
    expect(await read([`2024-01-01T10:00${zone}`])).toMatchObject({ columns: [{ type: 'text' }] });
});

it.each(['\u200b', '\ufeff\u200b ', '\u2800', '\t\u3164'])(
  'passes over a first line of %j',
  async (blank) => {
    const table = await run({ format: 'csv', operation: 'count' }, `${blank}\na,b\n1,2\n`);
    expect(table).toMatchObject({ rows: 1 });
  },
);
