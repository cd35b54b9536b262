import { connect, until, untilAllFinal } from '../scripts/tasker.ts';
import { readOptions, wholeNumber } from '../scripts/options.ts';
import { assertLoopback, figuresOf, submitToFrame } from './measure.ts';

const HELP = `npm run bench:fairness -- [options]: how long a high-priority sum takes while a low-priority queue is flooded

  --url <url>    a service on this machine that is otherwise idle (default http://localhost:8787)
  --flood <n>    low-priority tasks (default 5000)
  --tasks <n>    high-priority sums, one at a time (default 30)
  --json         figures for machines
  --help         this text`;

const values = readOptions(HELP, {
  url: { type: 'string', default: 'http://localhost:8787' },
  flood: { type: 'string', default: '5000' },
  tasks: { type: 'string', default: '30' },
  json: { type: 'boolean', default: false },
});
const flood = wholeNumber('flood', values.flood, 1, 100_000);
const count = wholeNumber('tasks', values.tasks, 1, 1_000);
assertLoopback(values.url);
const client = connect(values.url);
const CONNECTIONS = 32;

const low = async () => {
  const { queues } = await client.request<{ queues: { name: string; pending: number }[] }>(
    '/queues',
  );
  return queues.find(({ name }) => name === 'default-low')?.pending ?? 0;
};

// Held back until all are there, so that the flood is one.
await client.request('/queues/default-low/pause', { method: 'POST' });
let left = flood;
await Promise.all(
  Array.from({ length: CONNECTIONS }, async () => {
    while (left-- > 0)
      await client.submit({ type: 'sum', params: { a: left, b: 1 }, priority: 'LOW' });
  }),
);
await client.request('/queues/default-low/resume', { method: 'POST' });
const floodedAt = Date.now();
const times: number[] = [];
const pendingAtFirst = await low();
for (let i = 0; i < count; i += 1)
  times.push(await submitToFrame(values.url, { priority: 'HIGH' }));
const pendingAtLast = await low();
await until(600, async () => ((await low()) === 0 ? true : null));
const figures = {
  flood,
  pending_at_first_sum: pendingAtFirst,
  pending_at_last_sum: pendingAtLast,
  high_priority_sums: count,
  ...figuresOf(times),
  flood_drained_seconds: Number(((Date.now() - floodedAt) / 1_000).toFixed(1)),
};
if (values.json) console.log(JSON.stringify(figures));
else console.table(figures);
await untilAllFinal(client, 60);
