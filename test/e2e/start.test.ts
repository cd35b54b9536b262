import { rm } from 'node:fs/promises';
import { connect } from '../../scripts/tasker.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { NewTask } from '../../src/client/index.ts';
import type { TaskView } from '../../src/domain/view.ts';
import {
  freePort,
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
