import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readOptions } from '../scripts/options.ts';
import { PRODUCTION, type LocalFigures } from './scale/assumptions.ts';
import { scaleCurves } from './curves.ts';
import type { ScaleFigures } from './scale/figures.ts';
import { runShards } from './scale/run.ts';
import { startVirtualTime } from './scale/virtual-time.ts';

const HELP = `npm run bench:scale -- [options]: what one to sixteen databases take, on a simulated platform

  --shards <list>   (default 1,2,4,8,16)
  --stalls          what becomes of tasks while a database stands still for 60 s
  --check           holds the simulation, with this machine's delays, against the local runtime
  --write           draws the pictures of docs/performance.md
  --json            figures as JSON
  --help            this text`;

const values = readOptions(HELP, {
  shards: { type: 'string', default: '1,2,4,8,16' },
  stalls: { type: 'boolean', default: false },
  check: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
});
const say = (text: string): void => console.error(text);

/** Prints both, and how far they are from each other. */
const check = async (): Promise<boolean> => {
  const script = join(import.meta.dirname, 'scale-local.ts');
  const local = JSON.parse(execFileSync(process.execPath, [script]).toString()) as LocalFigures;
  const time = startVirtualTime(1_900_000_000_000);
  const load = { tasks: 1, warmUpMs: 2_000, measureMs: 4_000 };
  const alone = await runShards(time, local.assumed, 1, { ...load, perSecond: 5 });
  const many = await runShards(time, local.assumed, 1, { ...load, callers: 32 });
  time.restore();
  const latency = alone.latency_p50_ms / local.latency_p50_ms;
  const throughput = many.submits_per_second / local.submits_per_second;
  console.table({
    'latency p50, ms': {
      local: Number(local.latency_p50_ms.toFixed(1)),
      simulated: alone.latency_p50_ms,
      ratio: Number(latency.toFixed(2)),
    },
    'submits/s at 32 connections': {
      local: Math.round(local.submits_per_second),
      simulated: many.submits_per_second,
      ratio: Number(throughput.toFixed(2)),
    },
  });
  return Math.abs(latency - 1) <= 0.25 && throughput >= 0.5 && throughput <= 2;
};
if (values.check) process.exit((await check()) ? 0 : 1);

/** Four minutes at 100 submits a second and database, in which each database stands still for one. */
const measureStalls = async (): Promise<void> => {
  const time = startVirtualTime(1_900_000_000_000);
  const load = { perSecond: 100, tasks: 1, warmUpMs: 3_000, measureMs: 240_000 };
  const rows: Record<string, object> = {};
  for (const [name, shards, stallsAnHour] of [
    ['1 database, none', 1, 0],
    ['1 database', 1, 20],
    ['2 databases', 2, 20],
  ] as const) {
    const stalling = { ...PRODUCTION, stallsAnHour, stallMs: 60_000 };
    const found = await runShards(time, stalling, shards, load);
    rows[name] = {
      'accepted/s': found.tasks_per_second,
      'ended/s': found.ended_per_second,
      refused: found.refused,
      lost: found.lost,
      'p50 ms': found.latency_p50_ms,
      'p99 ms': found.latency_p99_ms,
      'longest ms': found.latency_max_ms,
    };
  }
  time.restore();
  if (values.json) console.log(JSON.stringify(rows, null, 2));
  else console.table(rows);
};
if (values.stalls) {
  await measureStalls();
  process.exit(0);
}

const assumed = PRODUCTION;
const counts = values.shards.split(',').map(Number);
const time = startVirtualTime(1_900_000_000_000);
const all: ScaleFigures[] = [];
for (const shards of counts) {
  const single = await runShards(time, assumed, shards, {
    callers: 100,
    tasks: 1,
    warmUpMs: 3_000,
    measureMs: 4_000,
  });
  const bulk = await runShards(time, assumed, shards, {
    callers: 20,
    tasks: 100,
    warmUpMs: 2_000,
    measureMs: 2_000,
  });
  const half = await runShards(time, assumed, shards, {
    perSecond: single.submits_per_second / shards / 2,
    tasks: 1,
    warmUpMs: 3_000,
    measureMs: 4_000,
  });
  const room = assumed.databaseBytes / assumed.rowBytes;
  const figures: ScaleFigures = {
    shards,
    single,
    bulk,
    half,
    days_until_full: Number(((room * shards) / single.tasks_per_second / 86_400).toFixed(2)),
    kept_30_days_per_second: Number(((room * shards) / (30 * 86_400)).toFixed(1)),
  };
  all.push(figures);
  say(
    `${shards} shards: ${single.submits_per_second} submits/s one by one, ${bulk.tasks_per_second} tasks/s by the hundred ` +
      `(${bulk.ended_per_second} ended/s); at half of it p50 ${half.latency_p50_ms}, p95 ${half.latency_p95_ms}, p99 ${half.latency_p99_ms} ms`,
  );
}
time.restore();
if (values.write) {
  const drawn = scaleCurves(
    all.map(({ shards, single, bulk }) => ({
      shards,
      submits_per_second: single.submits_per_second,
      bulk_per_second: bulk.ended_per_second,
    })),
  );
  const docs = join(import.meta.dirname, '../docs');
  for (const [name, picture] of Object.entries(drawn))
    writeFileSync(join(docs, `performance-${name}.svg`), picture);
  writeFileSync(join(docs, 'performance-scale.json'), `${JSON.stringify(all, null, 2)}\n`);
}
if (values.json) console.log(JSON.stringify(all, null, 2));
else
  console.table(
    all.map(({ shards, single, bulk, half, ...more }) => ({
      shards,
      'submits/s': single.submits_per_second,
      'ended/s': single.ended_per_second,
      'bulk tasks/s': bulk.tasks_per_second,
      'bulk ended/s': bulk.ended_per_second,
      'p50 ms': half.latency_p50_ms,
      'p95 ms': half.latency_p95_ms,
      'p99 ms': half.latency_p99_ms,
      '$ a million': half.dollars_a_million,
      'kept 30 days/s': more.kept_30_days_per_second,
      'days until full': more.days_until_full,
    })),
  );
process.exit(0);
