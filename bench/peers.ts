import { readOptions, wholeNumber } from '../scripts/options.ts';
import { compare } from './measures.ts';
import { missingFor, startPeer } from './systems/peers.ts';
import type { System } from './systems/system.ts';
import { buildFloor, startTasker } from './systems/tasker.ts';
import { buildWorker } from './worker.ts';

const HELP = `npm run bench:peers -- [options]: the same work on Tasker, on Hono + BullMQ and on FastAPI + Celery, side by side

  --rounds <n>   rounds, of which the median is told (default 3)
  --tasks <n>    tasks of a round, one a request (default 3000)
  --bulk <n>     tasks of a round, 1000 a request (default 10000)
  --json         figures for machines
  --help         this text

Each is durable: the row is committed before the answer. All run on this machine, one after the other.`;

const values = readOptions(HELP, {
  rounds: { type: 'string', default: '3' },
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
  await Promise.all([buildFloor(), buildWorker('dist/bench/worker')]);
  systems.push(await startTasker('dist/bench/worker'));
  for (const peer of ['bullmq', 'celery'] as const) {
    const missing = missingFor(peer);
    if (missing.length > 0) say(`SKIPPED ${peer}. Missing:\n  ${missing.join('\n  ')}`);
    else systems.push(await startPeer(peer));
  }
  const figures = await compare(systems, { rounds, tasks, bulk, singles: 50, say });
  if (values.json) console.log(JSON.stringify(figures, null, 2));
  else {
    console.table(figures);
    const [ours, ...peers] = figures;
    for (const peer of peers) {
      const ratio = (name: 'single_per_second' | 'bulk_per_second' | 'latency_p50_ms') =>
        ((ours?.[name] ?? NaN) / peer[name]).toFixed(2);
      console.log(
        `Tasker against ${peer.system}: ${ratio('single_per_second')} x as many single tasks, ${ratio('bulk_per_second')} x in bulk, ${ratio('latency_p50_ms')} x the time from submit to outcome`,
      );
    }
  }
} finally {
  for (const system of systems) await system.stop();
}
process.exit(0);
