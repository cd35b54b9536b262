import { createTasker, createWorker } from '../src/client/index.ts';
import { readOptions, wholeNumber } from '../scripts/options.ts';
import { sleep } from '../scripts/tasker.ts';
import { figuresOf } from './measure.ts';
import { missingForCelery, startCelery } from './systems/celery-worker.ts';
import { buildFloor } from './systems/tasker.ts';
import { buildWorker, startWorker } from './worker.ts';

const HELP = `npm run bench:workers -- [options]: small tasks through one worker of your own, beside one of Celery

  --tasks <n>        tasks that wait when the worker starts (default 5000)
  --singles <n>      tasks sent one at a time to a worker that waits (default 100)
  --concurrency <n>  tasks at a time of our worker (default 32)
  --json             figures for machines
  --help             this text

Our worker is one Node process; Celery's has two processes on Redis, and it is left out where Celery
is not installed. Both lose no task when a worker dies.`;

const values = readOptions(HELP, {
  tasks: { type: 'string', default: '5000' },
  singles: { type: 'string', default: '100' },
  concurrency: { type: 'string', default: '32' },
  json: { type: 'boolean', default: false },
});
const tasks = wholeNumber('tasks', values.tasks, 100, 100_000);
const singles = wholeNumber('singles', values.singles, 1, 10_000);
const concurrency = wholeNumber('concurrency', values.concurrency, 1, 1_000);
const say = (text: string): void => console.error(text);

interface Figures {
  worker: string;
  tasks_per_second: number;
  pick_up_p50_ms: number;
  pick_up_p99_ms: number;
  requests_per_1000_tasks: number | null;
}

const toFigures = (
  worker: string,
  rate: number,
  pickUps: readonly number[],
  requests: number | null,
): Figures => {
  const { p50_ms, p99_ms } = figuresOf(pickUps);
  return {
    worker,
    tasks_per_second: Math.round(rate),
    pick_up_p50_ms: p50_ms,
    pick_up_p99_ms: p99_ms,
    requests_per_1000_tasks: requests,
  };
};

const measureTasker = async (): Promise<Figures> => {
  await Promise.all([buildFloor(), buildWorker('dist/bench/worker')]);
  const service = await startWorker('dist/bench/worker');
  try {
    const { owner, headers } = await service.newOwner();
    const apiKey = headers['Authorization']?.replace('Bearer ', '');
    const tasker = createTasker({ baseUrl: service.url, apiKey });
    await tasker.registerType('add', { description: 'Adds', run: { worker: {} } });
    for (let sent = 0; sent < tasks; sent += 1_000)
      await tasker.submitMany(
        Array.from({ length: Math.min(1_000, tasks - sent) }, (_, i) => ({
          type: 'add',
          params: { a: i, b: 1 },
        })),
      );
    let requests = 0;
    const begunAt = new Map<number, number>();
    const worker = createWorker({
      baseUrl: service.url,
      apiKey,
      concurrency,
      fetch: (...args: Parameters<typeof fetch>) => ((requests += 1), fetch(...args)),
      types: {
        add: ({ params }) => {
          const { a, b } = params as { a: number; b: number };
          if (b < 0) begunAt.set(a, performance.now());
          return { sum: a + b };
        },
      },
    });
    const startedAt = Date.now();
    const running = worker.run();
    const last = `SELECT count(*) AS n, max(completed_at) AS at FROM tasks WHERE owner = ? AND status = 'COMPLETED'`;
    let endedAt = 0;
    let needed = 0;
    while (endedAt === 0) {
      await sleep(100);
      const [row] = (await service.db.prepare(last).bind(owner).all()).results;
      needed = requests;
      if (Number(row?.['n']) === tasks) endedAt = Number(row?.['at']);
    }
    const pickUps: number[] = [];
    for (let i = 0; i < singles; i += 1) {
      const sentAt = performance.now();
      await tasker.submit({ type: 'add', params: { a: i, b: -1 } });
      while (!begunAt.has(i)) await sleep(1);
      pickUps.push((begunAt.get(i) ?? NaN) - sentAt);
      await sleep(20);
    }
    await worker.stop();
    await running;
    const rate = (tasks * 1_000) / (endedAt - startedAt);
    return toFigures(
      `Tasker, concurrency ${concurrency}`,
      rate,
      pickUps,
      Math.round((needed * 1_000) / tasks),
    );
  } finally {
    await service.stop();
  }
};

const measureCelery = async (): Promise<Figures | null> => {
  const missing = missingForCelery();
  if (missing !== null) return (say(`SKIPPED Celery. Missing: ${missing}`), null);
  const celery = await startCelery();
  try {
    await celery.run('enqueue', tasks);
    await celery.startWorker();
    const rate = Number(await celery.run('drain', tasks));
    const pickUps = JSON.parse(await celery.run('pick-up', singles)) as number[];
    return toFigures('Celery, 2 processes', rate, pickUps, null);
  } finally {
    celery.stop();
  }
};

const figures = [await measureTasker(), await measureCelery()].filter((each) => each !== null);
if (values.json) console.log(JSON.stringify(figures, null, 2));
else console.table(figures);
process.exit(0);
