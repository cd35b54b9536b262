import { writeFileSync } from 'node:fs';
import { median, ratePerSecond } from './load.ts';
import { singleEndToEnd } from './measures.ts';
import { readOptions } from '../scripts/options.ts';
import { curves, type Growth } from './curves.ts';
import { fillTable } from './table.ts';
import { buildFloor, roundOf, startTasker } from './systems/tasker.ts';
import { buildWorker, startWorker } from './worker.ts';

const HELP = `npm run bench:growth -- [options]: how cost and time grow with the table, at 1 000, 10 000, 100 000 and 1 000 000 rows

  --max <n>      the largest table (default 1000000)
  --write        draws docs/performance-*.svg from the figures, and keeps them in docs/performance.json
  --json         figures for machines
  --help         this text`;

const values = readOptions(HELP, {
  max: { type: 'string', default: '1000000' },
  write: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
});
const sizes = [1_000, 10_000, 100_000, 1_000_000].filter((rows) => rows <= Number(values.max));
const say = (text: string): void => console.error(text);

await buildFloor();
await buildWorker('dist/bench/worker');
await buildWorker('dist/bench/counted', 'bench/counted/index.ts');

const timed = await startTasker('dist/bench/worker');
const counted = await startWorker('dist/bench/counted');
const figures: Growth[] = [];
try {
  const [here, there] = [await roundOf(timed.worker), await roundOf(counted)];
  const counts = async () =>
    (await (await fetch(`${counted.url}/counts`)).json()) as Record<string, number>;
  /** What some work reads and writes, in rows of the database. */
  const rowsOf = async (
    work: () => Promise<unknown>,
  ): Promise<{ read: number; written: number }> => {
    const before = await counts();
    await work();
    const after = await counts();
    const more = (name: string): number => (after[name] ?? 0) - (before[name] ?? 0);
    return { read: more('d1_rows_read'), written: more('d1_rows_written') };
  };
  const ask = async (path: string): Promise<unknown> =>
    (await fetch(`${counted.url}${path}`, { headers: there.headers })).json();
  // The first of all reads the key, and counts what is unfinished.
  await there.submitToOutcome();
  let filled = 0;
  for (const rows of sizes) {
    say(`${rows} rows …`);
    await Promise.all([
      fillTable(timed.worker, here.owner, filled, rows),
      fillTable(counted, there.owner, filled, rows),
    ]);
    filled = rows;
    const response = await fetch(there.submit.url, {
      method: 'POST',
      headers: { ...there.headers, 'Content-Type': 'application/json', Prefer: 'wait=10' },
      body: JSON.stringify(there.submit.body),
    });
    const { task_id } = (await response.json()) as { task_id: string };
    // Only this reads it from the database: the stream of the wait ends before the next
    // begins.
    const submitted = await rowsOf(async () => {
      await fetch(there.submit.url, {
        method: 'POST',
        headers: { ...there.headers, 'Content-Type': 'application/json' },
        body: JSON.stringify(there.submit.body),
      });
      await new Promise((resolve) => setTimeout(resolve, 500));
    });
    const listed = await rowsOf(() => ask('/tasks?cursor=&page_size=50'));
    const got = await rowsOf(() => ask(`/tasks/${task_id}/status`));
    const list = { url: `${timed.worker.url}/tasks?cursor=&page_size=50`, headers: here.headers };
    const one = {
      url: `${timed.worker.url}/tasks/${((await (await fetch(`${timed.worker.url}/tasks?cursor=&page_size=1`, { headers: here.headers })).json()) as { tasks: { task_id: string }[] }).tasks[0]?.task_id}/status`,
      headers: here.headers,
    };
    const recorded: number[] = [];
    for (let i = 0; i < 3; i += 1) recorded.push((await singleEndToEnd(timed, 1_000)).recorded);
    figures.push({
      rows,
      submit_rows_read: submitted.read,
      submit_rows_written: submitted.written,
      list_rows_read: listed.read,
      get_rows_read: got.read,
      recorded_per_second: Math.round(median(recorded)),
      list_per_second: Math.round(await ratePerSecond(list, 3)),
      status_per_second: Math.round(await ratePerSecond(one, 3)),
    });
  }
} finally {
  await Promise.all([timed.stop(), counted.stop()]);
}
if (values.write) {
  writeFileSync('docs/performance.json', `${JSON.stringify(figures, null, 2)}\n`);
  for (const [name, svg] of Object.entries(curves(figures)))
    writeFileSync(`docs/performance-${name}.svg`, svg);
}
if (values.json) console.log(JSON.stringify(figures, null, 2));
else console.table(figures);
process.exit(0);
