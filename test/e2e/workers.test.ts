import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { connect as connectSocket, createServer, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, startService, temporaryState, type Service } from '../../scripts/service.ts';
import { connect } from '../../scripts/tasker.ts';
import { createWorker, GiveUp, RetryLater, type TypeDefinition } from '../../src/client/index.ts';
import type { TaskDetail } from '../../src/domain/view.ts';

// Types whose code is not in the service: workers in two languages, each a process of its own, and
// an HTTP endpoint, against the real service.

const FOLDER = new URL('../support/outside/', import.meta.url).pathname;
const run = promisify(execFile);
let service: Service;
let state: string;
let endpointPort: number;
let examplePorts: number[];
const listSettings = (): string[] => [
  `CALLBACK_HOSTS:${[endpointPort, ...examplePorts].map((port) => `127.0.0.1:${port}`).join(',')}`,
  'ROOT_SECRET:the-root-secret-of-this-test-0123456789',
];
const processes: ChildProcess[] = [];

const start = (program: string, ...args: string[]): ChildProcess => {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  processes.push(child);
  return child;
};
const tasker = () => connect(service.url);
const register = (name: string, how: TypeDefinition['run'], more: object = {}) =>
  tasker().registerType(name, { description: 'For a test', run: how, ...more });
const runTask = async (
  type: string,
  params: object = {},
  more: object = {},
): Promise<TaskDetail> => {
  const { task_id } = await tasker().submit({ type, params, ...more });
  return tasker().wait(task_id, { timeout: 60_000 });
};

beforeAll(async () => {
  [state, endpointPort, examplePorts] = await Promise.all([
    temporaryState(),
    freePort(),
    Promise.all([freePort(), freePort()]),
  ]);
  service = await startService(await freePort(), state, listSettings());
});
afterAll(async () => {
  for (const child of processes) child.kill('SIGKILL');
  await service.kill();
  await rm(state, { recursive: true, force: true });
});

/** A proxy that cuts connections on which nothing was said for `idleMs`. */
const startProxy = async (idleMs: number): Promise<{ url: string; cuts(): number }> => {
  let cuts = 0;
  const port = await freePort();
  createServer((near: Socket) => {
    const far = connectSocket(Number(new URL(service.url).port), '127.0.0.1');
    const cut = (): void => {
      cuts += 1;
      near.destroy();
      far.destroy();
    };
    near.setTimeout(idleMs, cut);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
      from.pipe(to);
    }
  }).listen(port, '127.0.0.1');
  return { url: `http://127.0.0.1:${port}`, cuts: () => cuts };
};

describe.each([
  ['node', () => [process.execPath, `${FOLDER}node-worker.ts`]],
  ['python', () => ['python3', `${FOLDER}python_worker.py`]],
] as const)('a %s worker', (language, toCommand) => {
  const type = `of_${language}`;
  beforeAll(() => register(type, { worker: {} }, { base_seconds: 0, timeout_seconds: 30 }));

  it('runs what it is given, and retries what fails', async () => {
    const [program = '', ...args] = toCommand();
    const worker = start(program, ...args, service.url, type);
    expect((await runTask(type)).result).toEqual({ by: language, attempt: 1 });
    const retried = await runTask(type, { failures: 1 });
    expect(retried).toMatchObject({ result: { by: language, attempt: 2 } });
    expect(retried.attempts[0]?.error?.message).toBe('Attempt 1 fails on purpose');
    // SIGTERM lets what runs come to its end.
    const { task_id } = await tasker().submit({ type, params: { ms: 1_500 } });
    await expect.poll(async () => (await tasker().get(task_id)).status).toBe('IN_PROGRESS');
    const exited = new Promise((resolve) => worker.once('exit', resolve));
    worker.kill('SIGTERM');
    expect(await exited).toBe(0);
    await expect
      .poll(() => tasker().get(task_id))
      .toMatchObject({ status: 'COMPLETED', attempt: 1 });
  });

  it('goes on behind a proxy that cuts idle connections, and over a restart', async () => {
    const proxy = await startProxy(2_000);
    const [program = '', ...args] = toCommand();
    start(program, ...args, proxy.url, type);
    expect((await runTask(type)).result).toMatchObject({ by: language });
    await expect.poll(() => proxy.cuts(), { timeout: 10_000 }).toBeGreaterThan(1);
    expect((await runTask(type)).result).toMatchObject({ by: language });
    const { port } = new URL(service.url);
    await service.kill();
    service = await startService(Number(port), state, listSettings());
    expect((await runTask(type)).result).toMatchObject({ by: language });
    processes.at(-1)?.kill('SIGKILL');
  }, 120_000);
});

describe('the worker of the client', () => {
  it('does not look at its clock, which may be an hour off', async () => {
    await register('off', { worker: {} });
    const clock = 'data:text/javascript,const n=Date.now;Date.now=()=>n()-3600000';
    start(process.execPath, '--import', clock, `${FOLDER}node-worker.ts`, service.url, 'off');
    expect((await runTask('off', { ms: 100 })).result).toMatchObject({ attempt: 1 });
    processes.at(-1)?.kill('SIGKILL');
  });

  it('fails a task in words whose result cannot be kept', async () => {
    await register('large', { worker: {} }, { max_attempts: 1 });
    const worker = createWorker({
      baseUrl: service.url,
      types: {
        large: ({ params }) =>
          params.how === 'large' ? 'x'.repeat(26_300_000) : params.how === 'big' ? 1n : '\ud800',
      },
    });
    const running = worker.run();
    expect((await runTask('large', { how: 'large' })).error).toMatchObject({
      code: 'result_too_large',
    });
    expect((await runTask('large', { how: 'big' })).error?.message).toContain('BigInt');
    expect(await runTask('large', { how: 'surrogate' })).toMatchObject({ status: 'COMPLETED' });
    await worker.stop();
    await running;
  });

  it('fails the one task whose end the service does not take, and no other', async () => {
    await register('odd', { worker: {} }, { max_attempts: 1 });
    const deep = JSON.parse(`${'['.repeat(80)}${']'.repeat(80)}`) as unknown;
    const worker = createWorker({
      baseUrl: service.url,
      concurrency: 8,
      types: {
        odd: ({ params }) => {
          if (params.how === 'code') throw new GiveUp('x', 'no code at all');
          if (params.how === 'never') throw new RetryLater(NaN, 'some time');
          if (params.how === 'nan') return { n: NaN };
          return params.how === 'deep' ? deep : 'fine';
        },
      },
    });
    const hows = ['deep', 'fine', 'code', 'fine', 'nan', 'never', 'fine'];
    const submitted = await tasker().submitMany(
      hows.map((how) => ({ type: 'odd', params: { how } })),
    );
    const running = worker.run();
    const ended = await Promise.all(
      submitted.map(({ task_id }) => tasker().wait(task_id, { timeout: 30_000 })),
    );
    expect(ended.map(({ result, error }) => result ?? error?.code)).toEqual([
      'bad_result',
      'fine',
      'bad_result',
      'fine',
      'handler_error',
      'handler_error',
      'fine',
    ]);
    expect(ended[0]?.error?.message).toContain('levels deep');
    await worker.stop();
    await running;
  });

  it('hears that its task was cancelled', async () => {
    await register('long', { worker: {} }, { timeout_seconds: 60 });
    const aborted = Promise.withResolvers<string>();
    const worker = createWorker({
      baseUrl: service.url,
      types: {
        long: ({ signal, progress }) =>
          new Promise((_, reject) => {
            progress(0.25, 'a quarter');
            signal.addEventListener('abort', () => {
              aborted.resolve(String(signal.reason));
              reject(new Error('over'));
            });
          }),
      },
    });
    const running = worker.run();
    const { task_id } = await tasker().submit({ type: 'long', params: {} });
    await expect
      .poll(async () => (await tasker().get(task_id)).progress)
      .toEqual({ fraction: 0.25, note: 'a quarter' });
    await tasker().cancel(task_id);
    expect(await aborted.promise).toContain('over');
    expect((await tasker().get(task_id)).status).toBe('CANCELLED');
    await worker.stop();
    await running;
  });

  it('stops with the service’s own words when it may not run', async () => {
    const worker = createWorker({ baseUrl: service.url, types: { nowhere: () => null } });
    await expect(worker.run()).rejects.toThrow('register it with PUT /task-types/nowhere');
  });
});

describe('an endpoint', () => {
  let secret: string;
  beforeAll(async () => {
    const url = (path: string): string => `http://127.0.0.1:${endpointPort}/${path}`;
    const { secret: shown = '' } = await register('hook', { endpoint: { url: url('now') } });
    secret = shown;
    const child = start(
      process.execPath,
      `${FOLDER}endpoint.ts`,
      String(endpointPort),
      service.url,
    );
    await new Promise((resolve) => child.stdout?.once('data', resolve));
  });
  const answering = (how: string, more: object = {}) =>
    register(
      `hook_${how}`,
      { endpoint: { url: `http://127.0.0.1:${endpointPort}/${how}` } },
      { max_attempts: 2, base_seconds: 0, timeout_seconds: 2, ...more },
    );

  it.concurrent.each<[string, object]>([
    ['now', { status: 'COMPLETED', result: { by: 'endpoint', attempt: 1 } }],
    ['nothing', { status: 'COMPLETED', result: null }],
    ['later', { status: 'COMPLETED', result: { by: 'endpoint', attempt: 1 }, attempt: 1 }],
    ['twice', { status: 'COMPLETED', attempt: 1 }],
    ['error', { status: 'FAILED', attempt: 2, error: { code: 'endpoint_error' } }],
    ['refuses', { status: 'FAILED', attempt: 1, error: { code: 'endpoint_refused' } }],
    ['page', { status: 'FAILED', attempt: 1, error: { message: 'The endpoint answered 404' } }],
    ['html', { status: 'FAILED', error: { code: 'bad_answer' } }],
    ['redirects', { status: 'FAILED', attempt: 1, error: { code: 'endpoint_refused' } }],
    ['broken', { status: 'FAILED', error: { message: 'The answer is no UTF-8' } }],
    ['huge', { status: 'FAILED', error: { code: 'result_too_large' } }],
    ['hangs', { status: 'FAILED', attempt: 2, error: { code: 'timeout' } }],
  ])('that answers "%s"', async (how, expected) => {
    await answering(how);
    const task = await runTask(`hook_${how}`);
    expect(task).toMatchObject(expected);
    expect(JSON.stringify(task)).not.toContain('canary');
  });

  it('that never answers ends with the task’s time', async () => {
    await answering('never', { max_attempts: 1 });
    expect(await runTask('hook_never')).toMatchObject({
      status: 'FAILED',
      rescues: 0,
      error: { code: 'timeout' },
    });
  }, 90_000);

  it('that is busy is left alone for as long as it says, and no attempt is used up', async () => {
    await answering('busy', { max_attempts: 1 });
    const { task_id } = await tasker().submit({ type: 'hook_busy', params: {} });
    await expect
      .poll(async () => (await tasker().get(task_id)).attempts.length, { timeout: 20_000 })
      .toBeGreaterThan(1);
    const task = await tasker().get(task_id);
    expect(task.max_attempts).toBeGreaterThan(1);
    expect(task.attempts[0]?.error?.code).toBe('endpoint_busy');
    await tasker().cancel(task_id);
  }, 60_000);

  it('gets signed requests that it can check, also after a rotation', async () => {
    const url = `http://127.0.0.1:${endpointPort}/echo`;
    await register('hook', { endpoint: { url } });
    interface Echo {
      headers: Record<string, string>;
      body: string;
    }
    const ask = async (): Promise<Echo> => (await runTask('hook')).result as Echo;
    const verify = (by: string, { headers, body }: Echo): unknown =>
      new Webhook(by).verify(body, headers);
    const before = await ask();
    const { 'idempotency-key': key } = before.headers;
    expect(verify(secret, before)).toMatchObject({ task_id: key, type: 'hook', attempt: 1 });
    expect(() => verify(secret, { ...before, body: `${before.body} ` })).toThrow();
    const { secret: next } = await tasker().request<{ secret: string }>(
      '/task-types/hook/secret/rotate',
      { method: 'POST' },
    );
    expect(() => verify(next, before)).toThrow();
    // Both sign, for a day.
    const after = await ask();
    expect([verify(secret, after), verify(next, after)]).toHaveLength(2);
  });

  it('is tested by a call that makes no task', async () => {
    const before = await tasker().request<{ pagination: { total_tasks: number } }>('/tasks');
    expect(await tasker().request('/task-types/hook/test', { method: 'POST' })).toMatchObject({
      status: 200,
    });
    const after = await tasker().request<{ pagination: { total_tasks: number } }>('/tasks');
    expect(after.pagination.total_tasks).toBe(before.pagination.total_tasks);
  });

  it('is not called where nothing may be called', async () => {
    for (const url of [
      'http://example.com/',
      'https://localhost/',
      'https://10.0.0.1/',
      'nonsense',
    ])
      await expect(register('inside', { endpoint: { url } })).rejects.toMatchObject({
        code: 'invalid_request',
      });
  });
});

describe('the examples', () => {
  const ROOT = new URL('../../', import.meta.url).pathname;
  const runExample = (program: string, args: string[], more: Record<string, string> = {}) => {
    const PYTHONPATH = `${ROOT}clients/python`;
    const env = { ...process.env, PYTHONPATH, TASKER_URL: service.url, ...more };
    const child = spawn(program, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit'] });
    processes.push(child);
    return child;
  };

  it('resize pictures, as the guide says', async () => {
    runExample('python3', ['-m', 'tasker', 'worker', 'examples.worker:worker']);
    const names = async () =>
      (await tasker().request<{ task_types: { type: string }[] }>('/task-types')).task_types.map(
        ({ type }) => type,
      );
    await expect.poll(names, { timeout: 20_000 }).toContain('resize');
    expect((await runTask('resize', { url: 'cat.png', width: 200 })).result).toEqual({
      url: 'cat.png',
      width: 200,
    });
    expect((await runTask('resize', { url: 'cat.png', width: 20_000 })).error?.code).toBe(
      'too_wide',
    );
    await expect(runTask('resize', { url: 'cat.png' })).rejects.toThrow('`width` is missing');
  });

  it.each([
    ['node', process.execPath, 'examples/endpoint.mjs', 0, { hello: 'Ada', attempt: 1 }],
    ['python', 'python3', 'examples/endpoint.py', 1, { slept: 1 }],
  ])('answer by an endpoint in %s', async (language, program, file, place, result) => {
    const type = `example_${language}`;
    const port = String(examplePorts[place]);
    const endpoint = { url: `http://127.0.0.1:${port}/` };
    const { secret: SECRET = '' } = await register(type, { endpoint }, { timeout_seconds: 10 });
    runExample(program, [file], { PORT: port, SECRET });
    expect((await runTask(type, { name: 'Ada' }, { max_attempts: 10 })).result).toMatchObject(
      'slept' in result ? result : { hello: 'Ada' },
    );
    // Whoever does not know the secret gets nothing.
    expect((await fetch(endpoint.url, { method: 'POST', body: '{}' })).status).toBe(401);
  });

  it('ask a person', async () => {
    const child = runExample('python3', ['-u', 'examples/approval.py']);
    const said = new Promise<string>((resolve) => {
      let text = '';
      child.stdout.on('data', (part: Buffer) => (text += part.toString()));
      child.once('exit', () => resolve(text));
    });
    const find = async () => {
      for await (const task of tasker().list({ type: 'approval' })) return task.task_id;
      return undefined;
    };
    await expect.poll(find, { timeout: 20_000 }).toBeDefined();
    await tasker().complete((await find()) ?? '', { approved: true });
    expect(await said).toContain("COMPLETED {'approved': True}");
  });
});

describe('the Python package', () => {
  it('passes its own tests against this service', async () => {
    const folder = new URL('../../clients/python/', import.meta.url).pathname;
    const { stderr } = await run('python3', ['-m', 'unittest', 'discover', '-s', 'tests', '-v'], {
      cwd: folder,
      env: { ...process.env, TASKER_URL: service.url, PYTHONPATH: folder },
    });
    expect(stderr).toMatch(/Ran \d+ tests[^]*OK/);
  });

  it('is built as a wheel and a source distribution, and imported from the wheel', async () => {
    const folder = new URL('../../clients/python/', import.meta.url).pathname;
    const to = `${state}/dist`;
    await run('python3', ['build_backend.py', to], { cwd: folder });
    const wheel = `${to}/tasker_client-0.1.0-py3-none-any.whl`;
    const { stdout } = await run(
      'python3',
      ['-m', 'tasker', 'submit', 'sum', 'a=5', 'b=3', '--wait'],
      {
        cwd: state,
        env: { ...process.env, PYTHONPATH: wheel, TASKER_URL: service.url },
      },
    );
    expect(JSON.parse(stdout)).toMatchObject({ status: 'COMPLETED', result: { result: 8 } });
  });
});
