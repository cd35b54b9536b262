import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import newman from 'newman';
import { generateSource } from 'oazapfts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTasker, TaskerError, type Frame, type Tasker } from '../../src/client/index.ts';
import {
  freePort,
  runScript,
  startService,
  temporaryState,
  type Service,
} from '../../scripts/service.ts';

// The API as its clients meet it: a linter, a generator, Postman, and the client of our own,
// against the real service.

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
let service: Service;
let state: string;
let port: number;
let tasker: Tasker;
let folder: string;
let apiKey: string;
beforeAll(async () => {
  [state, port] = await Promise.all([temporaryState(), freePort()]);
  const made = await runScript('keys', ['create', '--owner', 'team', '--state', state, '--json']);
  apiKey = (JSON.parse(made.output.slice(made.output.indexOf('{'))) as { key: string }).key;
  service = await startService(port, state);
  tasker = createTasker({ baseUrl: service.url, apiKey });
  folder = mkdtempSync(join(tmpdir(), 'tasker-api-'));
});
afterAll(async () => {
  await service.kill();
  await rm(state, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
});

const documentText = async (): Promise<string> =>
  (await fetch(`${service.url}/openapi.json`)).text();

it('has a document without a linter’s errors', async () => {
  const config = await createConfig({ extends: ['recommended'] });
  const problems = await lintFromString({ source: await documentText(), config });
  const told = problems.map(
    ({ ruleId, severity, message, location }) =>
      `${severity} ${ruleId}: ${message} at ${location[0]?.pointer}`,
  );
  console.log(`redocly: ${told.length} findings${told.length > 0 ? `\n${told.join('\n')}` : ''}`);
  expect(
    problems.filter(({ severity }) => severity === 'error').map(({ message }) => message),
  ).toEqual([]);
});

it('has a document from which a generator makes a client that compiles', async () => {
  writeFileSync(join(folder, 'openapi.json'), await documentText());
  const source = await generateSource(join(folder, 'openapi.json'));
  expect(source).toContain('export function submitTask');
  writeFileSync(join(folder, 'client.ts'), source);
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        noEmit: true,
        strict: true,
        target: 'es2022',
        module: 'esnext',
        moduleResolution: 'bundler',
        skipLibCheck: true,
        lib: ['es2022', 'dom', 'dom.iterable'],
        types: [],
      },
      files: ['client.ts'],
    }),
  );
  const compiled = spawnSync(
    process.execPath,
    [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', folder],
    { encoding: 'utf8' },
  );
  expect([compiled.stdout, compiled.status]).toEqual(['', 0]);
}, 60_000);

it('passes its Postman collection', async () => {
  const collection = JSON.parse(
    readFileSync(join(ROOT, 'docs/tasker.postman_collection.json'), 'utf8'),
  ) as object;
  const summary = await new Promise<newman.NewmanRunSummary>((resolve, reject) => {
    newman.run(
      {
        collection,
        envVar: [
          { key: 'baseUrl', value: service.url },
          { key: 'apiKey', value: apiKey },
        ],
      },
      (error, done) => (error ? reject(error) : resolve(done)),
    );
  });
  const failures = summary.run.failures.map(
    ({ source, error }) => `${source?.name}: ${error.message}`,
  );
  console.log(
    `newman: ${summary.run.stats.requests.total} requests, ${summary.run.stats.assertions.total} assertions, ${failures.length} failures`,
  );
  expect(failures).toEqual([]);
}, 60_000);

it('has a Postman collection of every route', async () => {
  interface Item {
    item?: Item[];
    request?: { method: string; url: { path: string[] } };
  }
  const requestsOf = (items: Item[]): string[] =>
    items.flatMap(({ item, request }) =>
      item ? requestsOf(item) : request ? [`${request.method} /${request.url.path.join('/')}`] : [],
    );
  const collection = JSON.parse(
    readFileSync(join(ROOT, 'docs/tasker.postman_collection.json'), 'utf8'),
  ) as { item: Item[] };
  const requests = requestsOf(collection.item);
  const { paths } = JSON.parse(await documentText()) as { paths: Record<string, object> };
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const isCovered = (route: string): boolean => {
    const fits = new RegExp(`^${route.replaceAll(/\{\w+\}/g, '[^/]+')}$`);
    return requests.some((request) => fits.test(request));
  };
  expect(routes.filter((route) => !isCovered(route))).toEqual([]);
});

describe('the client', () => {
  it('submits, waits, gets, lists', async () => {
    const { task_id } = await tasker.submit({
      type: 'sum',
      params: { a: 5, b: 3 },
      tags: ['client'],
    });
    expect(await tasker.wait(task_id, { timeout: 10_000 })).toMatchObject({
      status: 'COMPLETED',
      result: { result: 8 },
    });
    expect(
      await tasker.submit({ type: 'sum', params: { a: 1, b: 1 } }, { waitSeconds: 10 }),
    ).toMatchObject({ status: 'COMPLETED' });
    const accepted = await tasker.submitMany(
      Array.from({ length: 1_200 }, (_, a) => ({
        type: 'sum',
        params: { a, b: 0 },
        tags: ['many'],
      })),
    );
    expect(new Set(accepted.map((each) => each.task_id)).size).toBe(1_200);
    const listed: string[] = [];
    for await (const task of tasker.list({ tag: 'many', type: ['sum'] })) listed.push(task.task_id);
    expect(listed.toSorted()).toEqual(accepted.map((each) => each.task_id).toSorted());
    for await (const task of tasker.list({ fields: { 'params.a': '5', 'result.result': '8' } }))
      expect(task.task_id).toBe(task_id);
  });

  it('watches to the end', async () => {
    const { task_id } = await tasker.submit({ type: 'simulate', params: { duration: 2 } });
    const frames: Frame[] = [];
    for await (const frame of tasker.watch(task_id)) frames.push(frame);
    expect(frames[0]?.event).toBe('snapshot');
    expect(frames.some(({ event }) => event === 'progress')).toBe(true);
    expect(frames.at(-1)).toMatchObject({ event: 'update', task: { status: 'COMPLETED' } });
  });

  it("throws the service's problem, and stops on abort", async () => {
    const refused = await tasker
      .submit({ type: 'sum', params: { a: 'x' } })
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(TaskerError);
    expect(refused).toMatchObject({
      status: 422,
      code: 'invalid_request',
      problem: { errors: [{ path: 'params.a' }, { path: 'params.b' }] },
    });
    await expect(tasker.get('0199b3c2-0000-7000-8000-000000000000')).rejects.toMatchObject({
      code: 'task_not_found',
    });
    await expect(tasker.wait('0199b3c2-0000-7000-8000-000000000000')).rejects.toMatchObject({
      code: 'task_not_found',
    });
    const { task_id } = await tasker.submit({ type: 'simulate', params: { duration: 60 } });
    await expect(tasker.wait(task_id, { timeout: 500 })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    expect(await tasker.cancel(task_id)).toMatchObject({ status: 'CANCELLED' });
    await expect(
      tasker.retry(
        (await tasker.submit({ type: 'sum', params: { a: 1, b: 1 }, delay_seconds: 60 })).task_id,
      ),
    ).rejects.toMatchObject({ status: 409 });
  });

  it('pauses, resumes, edits, removes; keeps files', async () => {
    const { task_id } = await tasker.submit({
      type: 'sum',
      params: { a: 1, b: 1 },
      delay_seconds: 60,
    });
    expect(await tasker.pause(task_id)).toMatchObject({ status: 'PAUSED' });
    expect(await tasker.edit(task_id, { title: 'New', priority: 'HIGH' })).toMatchObject({
      title: 'New',
      queue: 'default-high',
    });
    expect(await tasker.resume(task_id)).toMatchObject({ status: 'NEW' });
    await tasker.remove(task_id);
    await expect(tasker.get(task_id)).rejects.toMatchObject({ code: 'task_not_found' });
    await tasker.putFile('client.csv', 'a\n1\n', 'text/csv');
    expect(await (await tasker.getFile('client.csv')).text()).toBe('a\n1\n');
  });

  it('lets a browser read one task by a token', async () => {
    const { task_id } = await tasker.submit({ type: 'sum', params: { a: 1, b: 2 } });
    const { token } = await tasker.createToken(task_id, { seconds: 60 });
    const browser = createTasker({ baseUrl: service.url, apiKey: token });
    expect(await browser.wait(task_id)).toMatchObject({ result: { result: 3 } });
    await expect(browser.cancel(task_id)).rejects.toMatchObject({ code: 'scope_missing' });
    await expect(browser.list().next()).rejects.toMatchObject({ code: 'scope_missing' });
  });

  it('goes on with a stream that was cut, and repeats what was not answered, to one effect', async () => {
    // A proxy that can cut every connection.
    const sockets = new Set<Socket>();
    let refuses = 0;
    const proxy = createServer((inner) => {
      if (refuses > 0) {
        refuses -= 1;
        return void inner.destroy();
      }
      const outer = connect(port, 'localhost');
      for (const [a, b] of [
        [inner, outer],
        [outer, inner],
      ] as const)
        a.on('error', () => {})
          .on('close', () => b.destroy())
          .pipe(b);
      sockets.add(inner).add(outer);
    });
    await new Promise<void>((resolve) => proxy.listen(0, 'localhost', resolve));
    const cut = (): void => {
      for (const socket of sockets) socket.destroy();
      sockets.clear();
    };
    const far = createTasker({
      apiKey,
      baseUrl: `http://localhost:${(proxy.address() as AddressInfo).port}`,
    });
    const { task_id } = await far.submit({ type: 'simulate', params: { duration: 3 } });
    const versions: number[] = [];
    const cutter = setInterval(cut, 700);
    for await (const frame of far.watch(task_id))
      if ('task' in frame) versions.push(frame.task.version);
    clearInterval(cutter);
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    expect(new Set(versions).size).toBe(versions.length);
    expect(versions.at(-1)).toBe(3);
    cut();
    refuses = 2;
    const { task_id: id } = await far.submit({
      type: 'sum',
      params: { a: 1, b: 1 },
      tags: ['once'],
    });
    const found: string[] = [];
    for await (const task of far.list({ tag: 'once' })) found.push(task.task_id);
    expect(found).toEqual([id]);
    cut();
    await new Promise((resolve) => proxy.close(resolve));
  }, 60_000);
});

it('gives the same task for the same key after kill -9 at any moment', async () => {
  const send = (key: string, url = service.url): Promise<{ task_id: string }> =>
    createTasker({ baseUrl: url, apiKey, retries: 0 }).submit(
      { type: 'sum', params: { a: 1, b: 1 } },
      { idempotencyKey: key },
    );
  const keys = Array.from({ length: 60 }, (_, i) => `kill-${i}`);
  const answered = new Map<string, string>();
  let enough = (): void => {};
  const some = new Promise<void>((resolve) => (enough = resolve));
  const sent = keys.map(async (key, i) => {
    await new Promise((resolve) => setTimeout(resolve, i * 5));
    await send(key).then(
      ({ task_id }) => answered.set(key, task_id),
      () => {},
    );
    if (answered.size === 15) enough();
  });
  await some;
  await service.kill();
  await Promise.all(sent);
  service = await startService(port, state);
  tasker = createTasker({ baseUrl: service.url, apiKey });
  const again = await Promise.all(keys.map((key) => send(key)));
  const third = await Promise.all(keys.map((key) => send(key)));
  expect(third.map(({ task_id }) => task_id)).toEqual(again.map(({ task_id }) => task_id));
  for (const [i, key] of keys.entries())
    if (answered.has(key)) expect(again[i]?.task_id).toBe(answered.get(key));
  console.log(
    `kill -9 among 60 keyed submits: ${answered.size} had been answered; every repetition gave the same id`,
  );
});
