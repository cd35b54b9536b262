import { spawn, type ChildProcess } from 'node:child_process';
import type { Tasker } from '../src/client/index.ts';
import { sleep } from './tasker.ts';

// What runs outside the service while it soaks: workers in two languages and an endpoint, each a
// process of its own that is killed and started again.

const FOLDER = new URL('../test/support/outside/', import.meta.url).pathname;
const WORKERS_OF_EACH = 3;

/** What is submitted to them, how often of a hundred, and how it must end. */
export const OUTSIDE_MIX = [
  {
    share: 12,
    type: 'soak_node',
    params: { ms: 5 },
    more: { max_attempts: 25 },
    ends: 'COMPLETED',
  },
  {
    share: 3,
    type: 'soak_node',
    params: { ms: 3_000, failures: 1 },
    more: { max_attempts: 25 },
    ends: 'COMPLETED',
  },
  {
    share: 12,
    type: 'soak_python',
    params: { ms: 5 },
    more: { max_attempts: 25 },
    ends: 'COMPLETED',
  },
  { share: 8, type: 'soak_hook', params: {}, more: { max_attempts: 25 }, ends: 'COMPLETED' },
] as const;

/** Registers the types of the soak, and starts what runs them. */
export const startOutside = async (
  tasker: Tasker,
  url: string,
  endpointPort: number,
): Promise<{ killOne(): Promise<void>; stop(): void; count(): number }> => {
  const type = (
    name: string,
    run: Parameters<Tasker['registerType']>[1]['run'],
    more: object = {},
  ) => tasker.registerType(name, { description: 'For the soak', run, max_seconds: 4, ...more });
  await type('soak_node', { worker: {} }, { timeout_seconds: 20 });
  await type('soak_python', { worker: {} }, { timeout_seconds: 20 });
  const endpoint = { url: `http://127.0.0.1:${endpointPort}/mixed` };
  await type('soak_hook', { endpoint }, { timeout_seconds: 10 });

  const commands: (readonly [string, ...string[]])[] = [
    [process.execPath, `${FOLDER}endpoint.ts`, String(endpointPort), url],
    ...Array.from({ length: WORKERS_OF_EACH }, () => [
      [process.execPath, `${FOLDER}node-worker.ts`, url, 'soak_node'] as const,
      ['python3', `${FOLDER}python_worker.py`, url, 'soak_python'] as const,
    ]).flat(),
  ];
  let isOver = false;
  let kills = 0;
  const processes: ChildProcess[] = [];
  const start = (place: number): void => {
    const [program, ...args] = commands[place] as readonly [string, ...string[]];
    const child = spawn(program, args, { stdio: 'ignore' });
    processes[place] = child;
    // One that ends by itself is started again, as a supervisor does.
    child.once('exit', () => {
      if (!isOver) setTimeout(() => start(place), 200);
    });
  };
  for (const place of commands.keys()) start(place);
  return {
    async killOne() {
      processes[Math.floor(Math.random() * processes.length)]?.kill('SIGKILL');
      kills += 1;
      await sleep(100);
    },
    count: () => kills,
    stop() {
      isOver = true;
      for (const child of processes) child.kill('SIGKILL');
    },
  };
};
