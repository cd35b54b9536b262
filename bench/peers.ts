import { readOptions, wholeNumber } from '../scripts/options.ts';
import { measureCosts, type Cost } from './costs.ts';
import { compare, type Compared } from './measures.ts';
import { missingFor, startPeer } from './systems/peers.ts';
import type { System } from './systems/system.ts';
import { buildFloor, startTasker } from './systems/tasker.ts';
import { buildWorker } from './worker.ts';

const HELP = `npm run bench:peers -- [options]: the same work on Tasker, on Hono + BullMQ and on FastAPI + Celery, side by side

  --rounds <n>   rounds, of which the median is told (default 5)
  --tasks <n>    tasks of a round, one a request (default 3000)
  --bulk <n>     tasks of a round, 1000 a request (default 10000)
  --json         figures for machines
  --help         this text

Each is durable: the row is committed before the answer. All run on this machine, one after the other. On one core:
all processes of a system on the first, the load on the second (Linux, taskset). CPU and memory are of all processes.`;

const values = readOptions(HELP, {
  rounds: { type: 'string', default: '5' },
  tasks: { type: 'string', default: '3000' },
  bulk: { type: 'string', default: '10000' },
  json: { type: 'boolean', default: false },
});
const [rounds, tasks, bulk] = [
  wholeNumber('rounds', values.rounds, 1, 20),
  wholeNumber('tasks', values.tasks, 100, 100_000),
  wholeNumber('bulk', values.bulk, 1_000, 1_000_000),
];
const say = (text: string): void => console.error(text);

const systems: System[] = [];
try {
  say('Building the Worker as it is deployed …');
  await buildFloor();
  await buildWorker('dist/bench/worker');
  await buildWorker('dist/bench/counted', 'bench/counted/index.ts');
  systems.push(await startTasker('dist/bench/worker'));
  for (const peer of ['bullmq', 'celery'] as const) {
    const missing = missingFor(peer);
    if (missing.length > 0) say(`SKIPPED ${peer}. Missing:\n  ${missing.join('\n  ')}`);
    else systems.push(await startPeer(peer));
  }
  const figures = await compare(systems, { rounds, tasks, bulk, singles: 50 }, say);
  say('Counting rows …');
  const { single, waited, waited_pure } = await measureCosts('dist/bench/counted', 1_000);
  // A key that is used for the first time is among them.
  const toRows = (cost: Cost): number => Number(cost.d1_rows_written.toFixed(1));
  const rows = {
    rows_written: toRows(single),
    rows_written_waited: toRows(waited),
    rows_written_waited_pure: toRows(waited_pure),
  };
  if (values.json) console.log(JSON.stringify({ systems: figures, ...rows }, null, 2));
  else {
    console.table(
      figures.map(({ per_core, ...rest }) => ({
        ...rest,
        single_on_one_core: per_core.single_per_second,
        bulk_on_one_core: per_core.bulk_per_second,
      })),
    );
    console.log(`Rows written by a task of Tasker: ${JSON.stringify(rows)}`);
    const [ours, ...peers] = figures;
    for (const peer of peers) {
      const ratio = (name: Exclude<keyof Compared, 'system' | 'per_core'>): string =>
        ((ours?.[name] ?? NaN) / peer[name]).toFixed(2);
      const perCore = (name: keyof Compared['per_core']): string =>
        ((ours?.per_core[name] ?? NaN) / peer.per_core[name]).toFixed(2);
      console.log(
        `Tasker against ${peer.system}: ${ratio('single_per_second')} x as many single tasks, ${ratio('bulk_per_second')} x in bulk; ` +
          `on one core ${perCore('single_per_second')} x and ${perCore('bulk_per_second')} x; ` +
          `${ratio('cpu_ms_per_task')} x the CPU of a task; ${ratio('latency_p50_ms')} x the time from submit to outcome, ` +
          `${ratio('wait_p50_ms')} x to the answer of a submit that waits, ${ratio('wait_32_p50_ms')} x of 32`,
      );
    }
  }
} finally {
  for (const system of systems) await system.stop();
}
process.exit(0);
