import { spawn, spawnSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { connect } from '../../scripts/tasker.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { NewTask } from '../../src/client/index.ts';
import type { TaskView } from '../../src/domain/view.ts';
import {
  freePort,
  readRows,
  runScript,
  startService,
  temporaryState,
  type Service,
} from '../../scripts/service.ts';

// What a new user does, on the built Worker, in the real `wrangler dev`.
let service: Service;
let state: string;
let port: number;
beforeAll(async () => {
  state = await temporaryState();
  port = await freePort();
  service = await startService(port, state);
});
afterAll(async () => {
  await service.kill();
  await rm(state, { recursive: true, force: true });
});

const submit = (task: NewTask): Promise<TaskView> => connect(service.url).submit(task);

const finished = (id: string): Promise<TaskView> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`${service.url.replace('http', 'ws')}/tasks/${id}/events`);
    socket.onmessage = ({ data }) => {
      const { task } = JSON.parse(String(data)) as { task?: TaskView };
      if (!task || !['COMPLETED', 'FAILED', 'CANCELLED'].includes(task.status)) return;
      socket.close();
      resolve(task);
    };
    socket.onerror = () => reject(new Error('The stream broke'));
  });

it('is ready with a curl to copy, and calls no other service', () => {
  expect(service.output()).toContain(`curl http://localhost:${port}/tasks`);
  expect(service.output()).not.toMatch(/telemetry|update available|log in|\?/i);
});

it('runs three simulate tasks of 3 s side by side, within 5 s', async () => {
  const startedAt = Date.now();
  const tasks = await Promise.all(
    Array.from({ length: 3 }, () => submit({ type: 'simulate', params: { duration: 3 } })),
  );
  const ended = await Promise.all(tasks.map(({ task_id }) => finished(task_id)));
  expect(ended.map(({ result }) => result)).toEqual(
    Array.from({ length: 3 }, () => 'Task completed in 3 seconds'),
  );
  expect(Date.now() - startedAt).toBeLessThan(5_000);
});

it('answers a client that closes its stream', async () => {
  const socket = new WebSocket(`${service.url.replace('http', 'ws')}/events`);
  const code = await new Promise<number>((resolve) => {
    socket.onmessage = () => socket.close(1000);
    socket.onclose = (event) => resolve(event.code);
  });
  expect(code).toBe(1000);
});

it('has a demo in which every type ends as it promises', async () => {
  const { code, output } = await runScript('demo', ['--url', service.url, '--json']);
  expect(code).toBe(0);
  const tasks = JSON.parse(output) as TaskView[];
  const failed = tasks
    .filter(({ status }) => status !== 'COMPLETED')
    .map(({ type, error }) => `${type}: ${error?.code}`);
  expect(failed).toEqual([
    'chatgpt: not_configured',
    'weather: not_configured',
    'broken: handler_error',
  ]);
});

it('says what to do when the port is taken, and when nothing runs', async () => {
  const taken = await runScript('start', ['--port', String(port)]);
  expect([taken.code, taken.output]).toEqual([
    1,
    expect.stringContaining(`npm start -- --port ${port + 1}`),
  ]);
  const nobody = await runScript('demo', ['--url', `http://localhost:${await freePort()}`]);
  expect([nobody.code, nobody.output]).toEqual([1, expect.stringContaining('npm start')]);
});

/** The processes that this one has started, and theirs. */
const findDescendants = (pid: number): number[] => {
  const { stdout } = spawnSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' });
  const pairs = stdout.split('\n').map((line) => line.trim().split(/\s+/).map(Number));
  const children = pairs.flatMap(([child = 0, parent]) => (parent === pid ? [child] : []));
  return [...children, ...children.flatMap(findDescendants)];
};
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

it('keeps its data folder to itself, and leaves nothing behind when it is killed', async () => {
  const own = await temporaryState();
  const [ownPort, otherPort] = [await freePort(), await freePort()];
  const first = await startService(ownPort, own);
  const second = await runScript('start', ['--port', String(otherPort), '--state', own]);
  expect([second.code, second.output]).toEqual([
    1,
    expect.stringContaining(`The data folder ${own} is in use by another npm start`),
  ]);
  await connect(first.url).submit({ type: 'sum', params: { a: 1, b: 2 } });
  const inner = findDescendants(first.pid);
  expect(inner.length).toBeGreaterThan(2);
  process.kill(first.pid, 'SIGKILL');
  await expect.poll(() => inner.filter(isAlive), { timeout: 10_000 }).toEqual([]);
  const again = await startService(ownPort, own);
  expect(readRows(own, 'SELECT id FROM tasks')).toHaveLength(1);
  await again.kill();
  await rm(own, { recursive: true, force: true });
});

it('ends when the npm that runs it is killed', async () => {
  const own = await temporaryState();
  const ownPort = await freePort();
  const npm = spawn('npm', ['start', '--', '--port', String(ownPort), '--state', own], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  await new Promise<void>((resolve) =>
    npm.stdout.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes('Tasker is ready')) resolve();
    }),
  );
  const inner = findDescendants(npm.pid ?? 0);
  expect(inner.length).toBeGreaterThan(3);
  npm.kill('SIGKILL');
  await expect.poll(() => inner.filter(isAlive), { timeout: 10_000 }).toEqual([]);
  await rm(own, { recursive: true, force: true });
});
