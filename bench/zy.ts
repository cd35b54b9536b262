import { buildFloor, roundOf } from './systems/tasker.ts';
import { startWorker } from './worker.ts';
import { runWrangler } from '../scripts/wrangler.ts';
import { singleEndToEnd, bulkEndToEnd } from './measures.ts';
await buildFloor();
console.log(
  (await runWrangler(['deploy', 'bench/counted/index.ts', '--minify', '--dry-run', '--outdir', 'dist/bench/counted']))
    .code,
);
const worker = await startWorker('dist/bench/counted');
const system = { name: 't', round: () => roundOf(worker), stop: async () => {} };
const counts = async () => (await (await fetch(worker.url + '/counts')).json()) as Record<string, number>;
for (const [name, run, n] of [
  ['warm', () => singleEndToEnd(system, 300), 300],
  ['single', () => singleEndToEnd(system, 2000), 2000],
  ['bulk', () => bulkEndToEnd(system, 5000), 5000],
] as const) {
  const before = await counts();
  console.log(name, await run());
  await new Promise((r) => setTimeout(r, 2000));
  const after = await counts();
  console.log(
    Object.fromEntries(
      Object.keys(after).map((k) => [k, Number((((after[k] ?? 0) - (before[k] ?? 0)) / n).toFixed(3))]),
    ),
  );
}
await worker.stop();
process.exit(0);
