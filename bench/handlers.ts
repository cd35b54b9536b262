import { setTimeout as pause } from 'node:timers/promises';
import { dataProcessing } from '../src/handlers/data-processing.ts';
import { fileProcessing } from '../src/handlers/file-processing.ts';
import type { Handler } from '../src/handlers/handler.ts';
import { readOptions, wholeNumber } from '../scripts/options.ts';

const HELP = `npm run bench:handlers -- [options]: how long the heavy handlers compute, by themselves, and in what memory

  --rounds <n>  how often each is run; the median counts (default 5)
  --json        print the figures as JSON, and nothing else
  --help        this text

Runs in Node with a heap of 96 MB, less than the 128 MB that a Worker has.`;

const ROWS = 100_000;
const FILE_BYTES = 25 * 1_024 * 1_024;

const { rounds: roundsText, json } = readOptions(HELP, {
  rounds: { type: 'string', default: '5' },
  json: { type: 'boolean', default: false },
});
const rounds = wholeNumber('rounds', roundsText, 1, 1_000);

const rows = Array.from({ length: ROWS }, (_, i) => ({
  id: i,
  city: `city ${i % 500}`,
  sold: (i * 7_919) % 1_000,
  note: `n${i}`,
}));
const operations = [
  { op: 'filter', field: 'sold', is: 'gte', value: 100 },
  { op: 'rename', fields: { sold: 'amount' } },
  { op: 'sort', by: [{ field: 'amount', order: 'descending' }, { field: 'id' }] },
  { op: 'unique', fields: ['city', 'amount'] },
  {
    op: 'group',
    by: ['city'],
    calculate: {
      rows: { function: 'count' },
      total: { function: 'sum', field: 'amount' },
      mean: { function: 'mean', field: 'amount' },
    },
  },
];

const LINE = (i: number): string =>
  `${i},Lisbon,${(i * 7_919) % 1_000}.5,2026-01-${String((i % 28) + 1).padStart(2, '0')},"a note, quoted"\n`;

/** A CSV of 25 MB that is made while it is read. */
const largeCsv = (): ReadableStream<Uint8Array> => {
  const encoder = new TextEncoder();
  let bytes = 0;
  let i = 0;
  return new ReadableStream({
    pull(controller) {
      let text = i === 0 ? 'id,city,sold,on,note\n' : '';
      while (text.length < 65_536) text += LINE((i += 1));
      bytes += text.length;
      controller.enqueue(encoder.encode(text));
      if (bytes >= FILE_BYTES) controller.close();
    },
  });
};

/** What a handler would get from the service, as far as these two use it. */
const run = async (handler: Handler, params: unknown): Promise<unknown> =>
  handler.run({
    taskId: 'bench',
    params: handler.params.parse(params),
    attempt: 1,
    checkpoint: null,
    signal: new AbortController().signal,
    progress: () => {},
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    output: () => {},
    saveCheckpoint: () => {},
    step: async (_name, work) => work(),
    submit: () => Promise.reject(new Error('No children here')),
    fetch,
    secrets: { OPENAI_BASE_URL: '', OPENAI_DEFAULT_MODEL: '', OPENWEATHER_BASE_URL: '' },
    sendMail: () => Promise.reject(new Error('No mail here')),
    tasks: {
      findMatching: () => ({
        count: async () => 0,
        act: async () => ({ matched: 0, changed: 0, next: null }),
      }),
    },
    files: {
      open: async () => ({ body: largeCsv(), bytes: FILE_BYTES, etag: '' }),
      save: async (_name, content) => {
        let bytes = 0;
        for await (const chunk of content) bytes += chunk.byteLength;
        return { bytes };
      },
    },
  });

const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

const measure = async (name: string, handler: Handler, params: unknown) => {
  const times: number[] = [];
  let peak = 0;
  const sampler = setInterval(() => (peak = Math.max(peak, process.memoryUsage().heapUsed)), 20);
  for (let i = 0; i < rounds; i += 1) {
    const startedAt = performance.now();
    await run(handler, params);
    times.push(performance.now() - startedAt);
    await pause(0);
  }
  clearInterval(sampler);
  return {
    name,
    median_ms: Math.round(median(times)),
    worst_ms: Math.round(Math.max(...times)),
    peak_heap_mb: Math.round(peak / 1_048_576),
  };
};

const figures = [
  await measure('data_processing: 100 000 rows, five operations', dataProcessing, {
    data: rows,
    operations,
  }),
  await measure('file_processing: summarize a CSV of 25 MB', fileProcessing, {
    file: 'x.csv',
    operation: 'summarize',
  }),
  await measure('file_processing: convert it to JSON', fileProcessing, {
    file: 'x.csv',
    operation: 'convert',
    to: 'json',
  }),
];
if (json) console.log(JSON.stringify(figures, null, 2));
else console.table(figures);
