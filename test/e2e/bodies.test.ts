import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  freePort,
  readRows,
  startService,
  temporaryState,
  type Service,
} from '../../scripts/service.ts';
import { createTasker, createWorker } from '../../src/client/index.ts';

// Large bodies and exports through the real service, the clients and the command line.

const run = promisify(execFile);
const MB = 1_048_576;
const FOLDER = new URL('../support/outside/', import.meta.url).pathname;
let service: Service;
let state: string;
const processes: ChildProcess[] = [];
const tasker = () => createTasker({ baseUrl: service.url });
const cli = async (...args: string[]): Promise<string> =>
  (
    await run(process.execPath, ['src/cli/main.ts', ...args, '--url', service.url], {
      maxBuffer: 100 * MB,
    })
  ).stdout;

/** Memory of the service's workerd, MB. */
const readMemory = async (): Promise<number> => {
  const { stdout } = await run('ps', ['-eo', 'pgid,rss,comm']);
  const rows = stdout.split('\n').map((line) => line.trim().split(/\s+/));
  const own = rows.filter(
    ([group, , name]) => Number(group) === service.pid && name?.includes('workerd'),
  );
  return own.reduce((sum, [, kb]) => sum + Number(kb), 0) / 1_024;
};
/** The most that it had while `work` went on, above what it had before. */
const watchMemory = async (work: () => Promise<void>): Promise<number> => {
  const before = await readMemory();
  let most = 0;
  const timer = setInterval(() => void readMemory().then((mb) => (most = Math.max(most, mb))), 50);
  await work().finally(() => clearInterval(timer));
  return most - before;
};

beforeAll(async () => {
  state = await temporaryState();
  service = await startService(await freePort(), state, [
    'ROOT_SECRET:the-root-secret-of-this-test-0123456789',
  ]);
});
afterAll(async () => {
  for (const child of processes) child.kill('SIGKILL');
  await service.kill();
  await rm(state, { recursive: true, force: true });
});

it('passes 10 MB to a worker and 25 MB back, in the memory of a part', async () => {
  await tasker().registerType('large', { description: 'For a test', run: { worker: {} } });
  const worker = createWorker({
    baseUrl: service.url,
    types: {
      large: ({ params }) => 'y'.repeat(params.times === 1 ? 25 * MB - 2 : params.text.length / 2),
    },
  });
  const running = worker.run();
  const submit = async (text: string, times = 2): Promise<string> =>
    (await tasker().submit({ type: 'large', params: { text, times } })).task_id;
  const first = await submit('x'.repeat(10 * MB - 30));
  expect(await tasker().wait(first)).toMatchObject({ status: 'COMPLETED', result: { $body: {} } });
  expect(String(await tasker().readResult(first))).toHaveLength(5 * MB - 15);
  expect(await tasker().readParams(first)).toMatchObject({ times: 2 });
  const grown = await watchMemory(async () => {
    for (let i = 0; i < 5; i += 1) {
      const id = await submit('small', 1);
      expect(await tasker().wait(id)).toMatchObject({ status: 'COMPLETED' });
      let bytes = 0;
      for await (const chunk of await tasker().openBody(id, 'result')) bytes += chunk.byteLength;
      expect(bytes).toBe(25 * MB);
    }
  });
  console.log(`five results of 25 MB, in and out: workerd grew by ${grown.toFixed(0)} MB at most`);
  await worker.stop();
  await running;
}, 120_000);

it('gives a Python worker large parameters, and takes its result', async () => {
  await tasker().registerType('echo', { description: 'For a test', run: { worker: {} } });
  const code = `
import sys
from tasker import Worker
worker = Worker(sys.argv[1])
@worker.task("echo")
def echo(text):
    return {"text": text}
worker.run()
`;
  const env = { ...process.env, PYTHONPATH: join(FOLDER, '../../../clients/python') };
  const child = spawn('python3', ['-c', code, service.url], { stdio: 'inherit', env });
  processes.push(child);
  const text = 'é'.repeat(2 * MB);
  const { task_id } = await tasker().submit({ type: 'echo', params: { text } });
  expect(await tasker().wait(task_id, { timeout: 60_000 })).toMatchObject({ status: 'COMPLETED' });
  expect(await tasker().readResult(task_id)).toEqual({ text });
  child.kill('SIGKILL');
}, 90_000);

it('exports and restores by the command line, equal, whatever the size', async () => {
  await tasker().submitMany(
    Array.from({ length: 2_000 }, (_, a) => ({ type: 'sum', params: { a, b: 1 } })),
  );
  await expect
    .poll(
      async () => (await tasker().request<{ counts: Record<string, number> }>('/stats')).counts,
      {
        timeout: 30_000,
      },
    )
    .toMatchObject({ PENDING: 0, IN_PROGRESS: 0 });
  const file = join(state, 'tasks.ndjson');
  await cli('export', '--to', file);
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
  const sql = 'SELECT * FROM tasks ORDER BY id';
  const before = readRows<Record<string, unknown>>(state, sql);
  expect(lines).toHaveLength(before.length);
  await cli('list', '--limit', '1');
  for (const status of ['COMPLETED', 'FAILED', 'CANCELLED'])
    await tasker().submit({
      type: 'bulk_action',
      params: { action: 'delete', filter: { status: [status] } },
    });
  await expect
    .poll(() => readRows(state, `SELECT 1 FROM tasks WHERE type <> 'bulk_action'`).length, {
      timeout: 30_000,
    })
    .toBe(0);
  expect(await cli('restore', file, '--json')).toContain(`"restored":${before.length}`);
  const after = readRows<Record<string, unknown>>(
    state,
    `SELECT * FROM tasks WHERE type <> 'bulk_action' ORDER BY id`,
  );
  const withoutNames = (rows: readonly Record<string, unknown>[]) =>
    rows.map((row) => ({
      ...row,
      params: String(row['params']).replace(/"name":"[^"]+"/, ''),
      result: String(row['result']).replace(/"name":"[^"]+"/, ''),
    }));
  expect(withoutNames(after)).toEqual(withoutNames(before));
  const large = before.find(({ result }) => String(result).includes('"bytes":26214400'));
  const out = join(state, 'result.json');
  await cli('result', String(large?.['id']), '--to', out);
  expect((await readFile(out)).byteLength).toBe(25 * MB);
  await writeFile(file, lines.slice(0, 3).join('\n').concat('\n'));
  expect(await cli('restore', file)).toContain('Restored 0; 3 were there already');
  // A last line counts without its end, and one that was cut is refused.
  await writeFile(file, lines.slice(0, 2).join('\n'));
  expect(await cli('restore', file)).toContain('Restored 0; 2 were there already');
  await writeFile(file, lines.slice(0, 2).join('\n').slice(0, -9));
  await expect(cli('restore', file)).rejects.toThrow(/lines\.1|no line of an export/);
}, 180_000);
