import { measureCosts } from './costs.ts';
import { measureAnswers, median, ratePerSecond } from './load.ts';
import { bulkEndToEnd, latency, singleEndToEnd } from './measures.ts';
import { readOptions, wholeNumber } from '../scripts/options.ts';
import { SMALL_HEAP } from '../scripts/dev-process.ts';
import { fanOut } from './fan-out.ts';
import { fillTable } from './table.ts';
import { buildFloor, roundOf, startTasker } from './systems/tasker.ts';
import { buildWorker } from './worker.ts';

const HELP = `npm run bench -- [options]: the Worker as it is deployed, in workerd, met without wrangler's proxy

  --rounds <n>   rounds, of which the median is told (default 3)
  --seconds <n>  of load for each rate (default 3)
  --rows <n>     rows in the table while lists are read (default 100000)
  --sockets <n>  streams that are open while one task is told to all (default 500: a key may have no more)
  --json         figures for machines
  --help         this text

"of the floor": against a worker beside it, in the same run, whose one route answers "pong".`;

const values = readOptions(HELP, {
  rounds: { type: 'string', default: '3' },
  seconds: { type: 'string', default: '3' },
  rows: { type: 'string', default: '100000' },
  sockets: { type: 'string', default: '500' },
  json: { type: 'boolean', default: false },
});
const [rounds, seconds, rows, sockets] = [
  wholeNumber('rounds', values.rounds, 1, 20),
  wholeNumber('seconds', values.seconds, 1, 60),
  wholeNumber('rows', values.rows, 100, 1_000_000),
  wholeNumber('sockets', values.sockets, 1, 500),
];
const say = (text: string): void => console.error(text);
const SINGLES = 2_000;
const BULK = 5_000;
/** Tasks after which workerd's memory is measured. */
const MANY = 120_000;

say('Building …');
await buildFloor();
await buildWorker('dist/bench/worker');
await buildWorker('dist/bench/counted', 'bench/counted/index.ts');
const system = await startTasker('dist/bench/worker');
const { worker } = system;

const found = new Map<string, number[]>();
const add = (name: string, value: number): void =>
  void found.set(name, [...(found.get(name) ?? []), value]);

say(`Filling the table with ${rows} rows …`);
const reader = await roundOf(worker);
await fillTable(worker, reader.owner, 0, rows);
await singleEndToEnd(system, 500);
const { task_id } = (await (
  await fetch(`${worker.url}/tasks`, {
    method: 'POST',
    headers: { ...reader.headers, 'Content-Type': 'application/json', Prefer: 'wait=10' },
    body: JSON.stringify(reader.submit.body),
  })
).json()) as { task_id: string };
const get = (path: string) => ({ url: `${worker.url}${path}`, headers: reader.headers });

for (let i = 1; i <= rounds; i += 1) {
  say(`Round ${i} of ${rounds} …`);
  add('floor', await ratePerSecond({ url: worker.floorUrl }, seconds));
  add('submit', await ratePerSecond((await system.round()).submit, seconds));
  add('submit to recorded', (await singleEndToEnd(system, SINGLES)).recorded);
  const { wait } = await system.round();
  const effects = { ...wait, body: { type: 'flaky', params: { failures: 0 } } };
  add('submit and wait', (await measureAnswers(wait, SINGLES)).per_second);
  add('submit and wait, with effects', (await measureAnswers(effects, SINGLES)).per_second);
  add(
    'submit and wait, alone, p50',
    (await measureAnswers({ ...wait, connections: 1 }, 200)).p50_ms,
  );
  add('bulk submit to recorded', await bulkEndToEnd(system, BULK));
  add('status, from the database', await ratePerSecond(get(`/tasks/${task_id}/status`), seconds));
  add('task, from the cache', await ratePerSecond(get(`/tasks/${task_id}`), seconds));
  add(
    'list of 50, first page by cursor',
    await ratePerSecond(get('/tasks?cursor=&page_size=50'), seconds),
  );
  const { p50_ms, p99_ms } = await latency(system, 50);
  add('submit to frame, p50', p50_ms);
  add('submit to frame, p99', p99_ms);
}
say(`Opening ${sockets} streams …`);
const told = await fanOut(worker, sockets);
const memory = worker.memoryMb();
await system.stop();
say(`Measuring the memory of ${MANY} tasks …`);
const memories: Record<string, number> = {};
for (const [name, flags] of [
  ['as V8 is set', undefined],
  ['as npm start runs it', SMALL_HEAP],
] as const) {
  const other = await startTasker('dist/bench/worker', flags);
  for (let done = 0; done < MANY; done += MANY / 4) await bulkEndToEnd(other, MANY / 4);
  memories[name] = other.worker.memoryMb();
  await other.stop();
}
say('Counting what a task costs …');
const costs = await measureCosts('dist/bench/counted', 2_000);

const floor = median(found.get('floor') ?? []);
const figures = [...found].map(([measure, all]) => {
  const value = median(all);
  const isTime = /, p\d\d$/.test(measure);
  return {
    measure,
    value: Number(value.toFixed(isTime ? 1 : 0)),
    unit: isTime ? 'ms' : '1/s',
    of_the_floor: isTime ? null : Number((value / floor).toFixed(3)),
  };
});
if (values.json)
  console.log(
    JSON.stringify(
      { figures, fan_out: told, memory_mb: memory, memory_of_tasks_mb: memories, costs },
      null,
      2,
    ),
  );
else {
  console.table(figures);
  console.log(
    `One task told to ${sockets} streams of the list: the first after ${told.first_ms} ms, the last after ${told.last_ms} ms`,
  );
  console.log(`Memory of workerd, with ${rows} rows and ${sockets} streams: ${memory} MB`);
  console.log(`Memory of workerd after ${MANY} tasks: ${JSON.stringify(memories)} MB`);
  console.log('What one task costs, alone, one of many submits, and in bulk:');
  console.table(costs);
}
process.exit(0);
