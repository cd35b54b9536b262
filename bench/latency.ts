import { readOptions, wholeNumber } from '../scripts/options.ts';
import { assertLoopback, figuresOf, submitToFrame } from './measure.ts';

const HELP = `npm run bench:latency -- [options]: from the submit of a sum to its COMPLETED frame, one task at a time

  --url <url>    a service on this machine that is otherwise idle (default http://localhost:8787)
  --tasks <n>    how many (default 100)
  --json         figures for machines
  --help         this text`;

const values = readOptions(HELP, {
  url: { type: 'string', default: 'http://localhost:8787' },
  tasks: { type: 'string', default: '100' },
  json: { type: 'boolean', default: false },
});
const count = wholeNumber('tasks', values.tasks, 1, 100_000);
assertLoopback(values.url);

// The first ones wake everything up and are not counted.
for (let i = 0; i < 5; i += 1) await submitToFrame(values.url);
const times: number[] = [];
for (let i = 0; i < count; i += 1) times.push(await submitToFrame(values.url));
const figures = { tasks: count, ...figuresOf(times) };
if (values.json) console.log(JSON.stringify(figures));
else console.table(figures);
process.exit(0);
