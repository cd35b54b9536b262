import { rm } from 'node:fs/promises';
import { freePort, readRows, startService, temporaryState } from '../scripts/service.ts';
import { readOptions, wholeNumber } from '../scripts/options.ts';
import { connect, sleep } from '../scripts/tasker.ts';

const HELP = `npm run bench:limits -- [options]: how exactly a rate is kept, and how well the start of a task is estimated

  --seconds <n>  how long the rate is kept (default 60); the service is killed in the middle
  --rate <n>     tasks a second (default 100)
  --json         figures for machines
  --help         this text`;

const values = readOptions(HELP, {
  seconds: { type: 'string', default: '60' },
  rate: { type: 'string', default: '100' },
  json: { type: 'boolean', default: false },
});
const seconds = wholeNumber('seconds', values.seconds, 4, 600);
const rate = wholeNumber('rate', values.rate, 1, 1_000);
const say = (text: string): void => console.error(text);

const state = await temporaryState();
const port = await freePort();
let service = await startService(port, state, ['LOG_LEVEL:warn']);
const tasker = () => connect(service.url);

const readStarts = (key: string): number[] =>
  readRows<{ at: number }>(
    state,
    `SELECT started_at AS at FROM tasks WHERE limit_key = '${key}' AND started_at IS NOT NULL ORDER BY 1`,
  ).map(({ at }) => at);

/** Tasks a second from the first slice after what began together to the last. */
const paceOf = (times: readonly number[]): number => {
  const slices = times.flatMap((at, i) => (at - (times[i - 1] ?? 0) > 50 ? { at, i } : []));
  const [first, last] = [slices.find(({ i }) => i >= rate), slices.at(-1)];
  return first && last ? ((last.i - first.i) / (last.at - first.at)) * 1_000 : NaN;
};

/** The most that began within any second. */
const findPeak = (times: readonly number[]): number => {
  let most = 0;
  for (let from = 0, to = 0; to < times.length; to += 1) {
    while ((times[to] ?? 0) - (times[from] ?? 0) >= 1_000) from += 1;
    most = Math.max(most, to - from + 1);
  }
  return most;
};

const keepRate = async () => {
  say(`${rate} a second for ${seconds} s, killed in the middle …`);
  const waiting = Math.round(rate * seconds * 1.2);
  await tasker().limits.set('rate', { rate: { count: rate } });
  const tasks = Array.from({ length: waiting }, (_, i) => ({
    type: 'sum',
    params: { a: i, b: 1 },
    reuse: false,
    limit: { key: 'rate' },
  }));
  await tasker().submitMany(tasks);
  await sleep((seconds / 2) * 1_000);
  await service.kill();
  const before = readStarts('rate').length;
  service = await startService(port, state, ['LOG_LEVEL:warn']);
  await sleep((seconds / 2) * 1_000);
  const starts = readStarts('rate');
  await tasker().limits.delete('rate');
  return {
    waiting,
    per_second_before: paceOf(starts.slice(0, before)),
    per_second_after: paceOf(starts.slice(before)),
    most_in_a_second: findPeak(starts),
  };
};

/** What was estimated of tasks that wait, beside when they began. */
const compareEstimates = async () => {
  say('Ten at a time of 0.2 s each …');
  await tasker().limits.set('slots', { max_running: 10 });
  const accepted = await tasker().submitMany(
    Array.from({ length: 600 }, () => ({
      type: 'simulate',
      params: { duration: 0.2 },
      limit: { key: 'slots' },
    })),
  );
  await sleep(2_000);
  const askedAt = Date.now();
  const asked = accepted.filter((_, i) => i % 20 === 0);
  const details = await Promise.all(asked.map(({ task_id }) => tasker().get(task_id)));
  const waiting = details.filter(({ waiting_for }) => waiting_for?.reason === 'limit');
  const factors: number[] = [];
  for (const { task_id, waiting_for } of waiting) {
    const { started_at } = await tasker().wait(task_id);
    const estimated = Date.parse(waiting_for?.expected_at ?? '') - askedAt;
    const took = Date.parse(started_at ?? '') - askedAt;
    factors.push(estimated / took);
  }
  return {
    estimated: factors.length,
    least_factor: Math.min(...factors),
    most_factor: Math.max(...factors),
  };
};

try {
  const figures = { ...(await compareEstimates()), ...(await keepRate()) };
  if (values.json) console.log(JSON.stringify(figures));
  else
    for (const [name, value] of Object.entries(figures))
      console.log(`${name.replaceAll('_', ' ').padEnd(22)} ${Math.round(value * 100) / 100}`);
} finally {
  await service.kill();
  await rm(state, { recursive: true, force: true });
}
