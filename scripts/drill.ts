import { rm } from 'node:fs/promises';
import type { Tasker } from '../src/client/index.ts';
import { fail } from './options.ts';
import { freePort, startService, temporaryState, type Service } from './service.ts';
import { connect, until, untilAllFinal, untilFinal } from './tasker.ts';

const HELP = `npm run drill -- <drill>: breaks one thing, on a service of its own, and shows what holds

  consumer   the worker that runs a task dies in the middle
  cache      the cache answers nothing
  queue      the queue loses every message it held
  api        the whole service is killed while clients submit`;

interface Scene {
  client: Tasker;
  service: Service;
  /** SIGKILL to everything, and a new start on the same data. */
  killAndRestart(): Promise<void>;
}

let step = 0;
const say = (text: string): void => console.log(`${String((step += 1)).padStart(2)}. ${text}`);
let isHeld = true;
const holds = (text: string, condition: boolean): void => {
  isHeld &&= condition;
  say(`${condition ? 'held' : 'DID NOT HOLD'}: ${text}`);
};
const seconds = (since: number): string => `${((Date.now() - since) / 1_000).toFixed(1)} s`;

const drills: Record<string, { vars?: string[]; run(scene: Scene): Promise<void> }> = {
  consumer: {
    async run({ client, killAndRestart }) {
      const { task_id } = await client.submit({
        type: 'simulate',
        params: { duration: 3 },
        timeout_seconds: 5,
      });
      await until(20, async () =>
        (await client.get(task_id)).status === 'IN_PROGRESS' ? true : null,
      );
      say('A simulate task of 3 s is IN_PROGRESS, under a lease of its timeout (5 s) + 10 s');
      await killAndRestart();
      const restartedAt = Date.now();
      say(
        `Its worker is gone. The API says: ${(await client.get(task_id)).status}; the lease still runs`,
      );
      const task = await untilFinal(client, task_id, 60);
      say(
        `${seconds(restartedAt)} after the restart: ${task.status}, ${JSON.stringify(task.result)}`,
      );
      say(
        `Its history: ${task.attempts.map(({ attempt, outcome }) => `attempt ${attempt} ${outcome}`).join(', ')}`,
      );
      holds(
        'the task was taken back, run again, and ended once',
        task.status === 'COMPLETED' && task.attempt === 2 && task.rescues === 1,
      );
    },
  },

  cache: {
    vars: ['UPSTASH_REDIS_REST_URL:http://127.0.0.1:9', 'UPSTASH_REDIS_REST_TOKEN:t'],
    async run({ client, service }) {
      say('The cache is set to an address where nothing answers');
      const { task_id } = await client.submit({ type: 'sum', params: { a: 5, b: 3 } });
      const task = await untilFinal(client, task_id, 20);
      say(`A sum: ${task.status}, ${JSON.stringify(task.result)}`);
      const times: number[] = [];
      let header = '';
      for (let i = 0; i < 20; i += 1) {
        const startedAt = performance.now();
        const response = await fetch(`${service.url}/tasks/${task_id}`);
        await response.arrayBuffer();
        header = response.headers.get('X-Cache') ?? '';
        times.push(performance.now() - startedAt);
      }
      say(
        `Twenty reads of it: X-Cache ${header}, slowest ${Math.max(...times).toFixed(0)} ms, last ${times.at(-1)?.toFixed(0)} ms: the breaker no longer asks`,
      );
      const health = await client.request<{ status: string; checks: Record<string, string> }>(
        '/health',
      );
      say(`/health: 200, ${JSON.stringify(health)}`);
      holds(
        'the same answers, from the database',
        task.status === 'COMPLETED' && header === 'MISS',
      );
      holds(
        'at most 300 ms later, and degraded rather than down',
        Math.max(...times) < 400 && health.status === 'degraded',
      );
    },
  },

  queue: {
    async run({ client, killAndRestart }) {
      await client.request('/queues/default-low/pause', { method: 'POST' });
      const tasks = await Promise.all(
        Array.from({ length: 20 }, (_, a) =>
          client.submit({ type: 'sum', params: { a, b: 1 }, priority: 'LOW' }),
        ),
      );
      say('The queue default-low is paused, and 20 sums are submitted to it: 20 × 202');
      await killAndRestart();
      say('Everything was killed: the local queue lives in memory, so its messages are gone');
      const { queues } = await client.request<{
        queues: { name: string; pending: number; backlog: number }[];
      }>('/queues');
      const low = queues.find(({ name }) => name === 'default-low');
      say(
        `The API says of it: pending ${low?.pending} by the table, backlog ${low?.backlog} by the queue`,
      );
      await client.request('/queues/default-low/resume', { method: 'POST' });
      const resumedAt = Date.now();
      const all = await untilAllFinal(client, 60);
      say(`Resumed: all ended ${seconds(resumedAt)} later`);
      holds(
        'every task that was accepted completed, once',
        tasks.every(
          ({ task_id }) =>
            all.get(task_id)?.status === 'COMPLETED' && all.get(task_id)?.attempt === 1,
        ),
      );
    },
  },

  api: {
    async run({ client, killAndRestart }) {
      const accepted = new Set<string>();
      let refused = 0;
      let killing: Promise<void> | undefined;
      const submitting = Array.from({ length: 300 }, async (_, a) => {
        try {
          accepted.add((await client.submit({ type: 'sum', params: { a, b: 1 } })).task_id);
        } catch {
          refused += 1;
        }
        if (accepted.size === 100) killing ??= killAndRestart();
      });
      await Promise.all(submitting);
      await killing;
      const restartedAt = Date.now();
      say(
        `300 submits at once, everything killed after the 100th answer: ${accepted.size} got 202, ${refused} got no answer and no promise`,
      );
      const all = await untilAllFinal(client, 60);
      say(
        `All ${all.size} that are stored ended ${seconds(restartedAt)} after the restart, without being asked for`,
      );
      holds(
        'every 202 was kept',
        [...accepted].every((id) => all.get(id)?.status === 'COMPLETED'),
      );
    },
  },
};

const [name = '', ...surplus] = process.argv.slice(2);
if (name === '--help') {
  console.log(HELP);
  process.exit(0);
}
const drill = drills[name];
if (!drill || surplus.length > 0)
  fail(`${name ? `No drill "${name}"` : 'Which drill?'}\n\n${HELP}`);

const state = await temporaryState();
const port = await freePort();
const start = () => startService(port, state, drill.vars);
let service = await start();
const scene: Scene = {
  client: connect(service.url),
  service,
  async killAndRestart() {
    await service.kill();
    say('kill -9 of the whole process group; starting again');
    service = await start();
  },
};
console.log(`Drill: ${name}, on ${service.url}\n`);
try {
  await drill.run(scene);
} finally {
  await service.kill();
  await rm(state, { recursive: true, force: true });
}
console.log(isHeld ? '\nIt held.' : '\nIt did not hold.');
process.exit(isHeld ? 0 : 1);
