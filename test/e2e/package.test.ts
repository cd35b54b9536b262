import { execFile, spawn } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTasker, createWorker } from '../../src/client/index.ts';
import {
  freePort,
  runScript,
  startService,
  temporaryState,
  type Service,
} from '../../scripts/service.ts';

// The package as somebody installs it who has never seen this repository.

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const exec = promisify(execFile);

let service: Service;
let state: string;
let folder: string;
beforeAll(async () => {
  [state, folder] = await Promise.all([
    temporaryState(),
    mkdtemp(join(tmpdir(), 'tasker-package-')),
  ]);
  const port = await freePort();
  const starting = startService(port, state);
  const built = await runScript('build-client', []);
  expect(built.code, built.output).toBe(0);
  const packed = await exec('npm', [
    'pack',
    join(ROOT, 'clients/typescript'),
    '--pack-destination',
    folder,
  ]);
  await writeFile(join(folder, 'package.json'), '{"type":"module","private":true}');
  await exec(
    'npm',
    ['install', '--offline', '--no-audit', '--no-fund', `./${packed.stdout.trim()}`],
    { cwd: folder },
  );
  service = await starting;
});
afterAll(async () => {
  await service.kill();
  await Promise.all([state, folder].map((each) => rm(each, { recursive: true, force: true })));
});

interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** The command line, as npm has installed it. */
const tasker = async (...args: string[]): Promise<Ran> => {
  const env = { ...process.env, TASKER_URL: service.url, NO_COLOR: '1' };
  return exec(join(folder, 'node_modules/.bin/tasker'), args, {
    cwd: folder,
    env,
    timeout: 30_000,
  }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: Ran & Error) => ({ code: error.code, stdout: error.stdout, stderr: error.stderr }),
  );
};
const said = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await tasker(...args);
  expect([code, stderr], args.join(' ')).toEqual([0, '']);
  return stdout.trim();
};

describe('the example of a worker', () => {
  it('registers its type, runs its tasks, and ends when it is told', async () => {
    await copyFile(join(ROOT, 'examples/worker.mjs'), join(folder, 'worker.mjs'));
    const env = { ...process.env, TASKER_URL: service.url };
    const worker = spawn(process.execPath, ['worker.mjs'], { cwd: folder, env, stdio: 'inherit' });
    await expect
      .poll(async () => (await tasker('types', '--json')).stdout, { timeout: 20_000 })
      .toContain('count_words');
    const params = '{"text":"to be or not to be"}';
    const ran = await tasker('submit', 'count_words', '--params', params, '--wait', '--json');
    expect(JSON.parse(ran.stdout)).toMatchObject({ result: { words: 6 } });
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    worker.kill('SIGTERM');
    expect(await ended).toBe(0);
  });
});

describe('the package', () => {
  it('has no dependency, and brings only what it is made of', async () => {
    const installed = JSON.parse(await readFile(join(folder, 'package-lock.json'), 'utf8')) as {
      packages: object;
    };
    expect(Object.keys(installed.packages)).toEqual(['', 'node_modules/tasker-client']);
  });

  it('has types that hold by themselves, and those of a service once they are declared', async () => {
    const check = async (source: string): Promise<string> => {
      await writeFile(join(folder, 'program.ts'), source);
      const args = [
        '--strict',
        '--noEmit',
        '--module',
        'nodenext',
        '--target',
        'es2022',
        '--types',
        '',
        'program.ts',
      ];
      return exec(join(ROOT, 'node_modules/.bin/tsc'), args, { cwd: folder }).then(
        () => '',
        ({ stdout }: { stdout: string }) => stdout,
      );
    };
    const program = (type: string) =>
      `import { createTasker } from 'tasker-client';
      const tasker = createTasker({ baseUrl: 'http://localhost:8787' });
      const { task_id } = await tasker.submit({ type: ${type} });
      for await (const frame of tasker.watch(task_id)) if (frame.event === 'progress') frame.fraction.toFixed();
      (await tasker.wait(task_id)).attempts.map(({ outcome }) => outcome);`;
    expect(await check(program(`'anything', params: { a: 1 }`))).toBe('');
    await writeFile(join(folder, 'tasker.d.ts'), await said('types', '--declare'));
    const declared = (type: string) => `/// <reference path="./tasker.d.ts" />\n${program(type)}`;
    expect(await check(declared(`'sum', params: { a: 5, b: 3 }`))).toBe('');
    expect(await check(declared(`'sum', params: { a: 'five', b: 3 }`))).toContain(
      "'string' is not assignable to type 'number'",
    );
    expect(await check(declared(`'smu', params: { a: 5, b: 3 }`))).toContain('"smu"');
  });

  it('runs the example of its README', async () => {
    const readme = await readFile(join(ROOT, 'clients/typescript/README.md'), 'utf8');
    const [, example = ''] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
    await writeFile(
      join(folder, 'example.mjs'),
      example.replace('http://localhost:8787', service.url),
    );
    const { stdout } = await exec(process.execPath, ['example.mjs'], { cwd: folder });
    expect(stdout.trim()).toBe(`{ operation: 'sum', a: 5, b: 3, result: 8 }`);
  });
});

describe('the command line', () => {
  it('submits, waits, shows, lists and exports', async () => {
    const id = await said('submit', 'sum', 'a=5', 'b=3', '--title', 'A first sum', '--tag', 'cli');
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(await said('wait', id)).toContain('"result":8');
    expect(await said('get', id.slice(0, 18))).toContain('A first sum');
    expect(JSON.parse(await said('get', id, '--json'))).toMatchObject({
      task_id: id,
      status: 'COMPLETED',
    });
    const listed = await said('list', '--status', 'completed', '--tag', 'cli', '--since', '1h');
    expect(listed).toContain(id.slice(0, 13));
    expect((await said('list', '--json', '--limit', '1')).split('\n')).toHaveLength(1);
    expect(await said('list', '-q', 'no-such-thing-9')).toBe('There is no such task');
    const csv = await said('export', '--format', 'csv', '--tag', 'cli');
    expect(csv.split('\n')).toHaveLength(2);
    expect(csv).toContain('"{""a"":5,""b"":3}"');
    await said('export', '--to', 'all.ndjson');
    expect(await readFile(join(folder, 'all.ndjson'), 'utf8')).toContain(id);
  });

  it('watches, and its exit code tells how a task ended', async () => {
    const watched = await tasker('submit', 'simulate', 'duration=0.5', '--watch');
    expect(watched.code).toBe(0);
    expect(watched.stdout).toMatch(/%/);
    expect(watched.stdout).toContain('completed');
    const failed = await tasker('submit', 'broken', '--attempts', '1', '--wait');
    expect(failed.code).toBe(1);
    const [failedId = ''] = /[0-9a-f-]{36}/.exec(failed.stdout) ?? [];
    expect((await tasker('watch', failedId)).code).toBe(1);
    expect(await said('retry', failedId)).toContain(failedId);
    expect((await tasker('wait', failedId)).code).toBe(1);
    expect(await said('errors')).toContain('broken');
    expect(await said('delete', failedId)).toContain('Deleted');
  });

  it('shows what a run wrote down, and goes on until it ends', async () => {
    const client = createTasker({ baseUrl: service.url });
    const run = { worker: {} };
    await client.registerType('writes', { description: 'Writes', run });
    const worker = createWorker({
      baseUrl: service.url,
      types: {
        writes: async ({ log, output }) => {
          log.info('first', { page: 1 });
          log.error('second \u001b[2J');
          output('some text');
          await new Promise((resolve) => setTimeout(resolve, 1_000));
          log.info('third');
        },
      },
    });
    const running = worker.run();
    const id = /[0-9a-f-]{36}/.exec(await said('submit', 'writes'))?.[0] ?? '';
    const followed = await said('logs', id, '-f');
    expect(followed.split('\n').map((line) => line.slice(13))).toEqual([
      'info  first page=1',
      'error second [2J',
      'info  third',
    ]);
    expect(await said('logs', id, '--level', 'error', '--json')).toMatch(/^\{.*"second /);
    expect(await said('logs', id, '--attempt', '7')).toContain('Nothing');
    expect((await tasker('logs', id, '--level', 'loud')).code).toBe(2);
    await worker.stop();
    await running;
  });

  it('ends what waits for a person', async () => {
    const definition = { description: 'Yes or no', run: { manual: {} } };
    await fetch(`${service.url}/task-types/approval`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(definition),
    });
    const submitOne = async (): Promise<string> =>
      /[0-9a-f-]{36}/.exec(await said('submit', 'approval'))?.[0] ?? '';
    expect(await said('complete', await submitOne(), 'approved=true')).toContain('completed');
    const other = await submitOne();
    expect((await tasker('fail', other)).code).toBe(2);
    expect(await said('fail', other, 'Too', 'dear')).toContain('failed');
    expect((await tasker('complete', other)).code).toBe(1);
  });

  it('holds, cancels and resumes', async () => {
    const id = await said('submit', 'sum', 'a=1', 'b=1', '--in', '1h', '--priority', 'low');
    expect(await said('get', id)).toContain('waits');
    expect(await said('pause', id)).toContain('paused');
    expect(await said('resume', id)).toContain('new');
    expect((await tasker('wait', id, '--timeout', '1s')).code).toBe(4);
    expect(await said('cancel', id)).toContain('cancelled');
  });

  it('creates schedules, and looks after them', async () => {
    const [, words] = (
      await said('schedules', 'preview', '--cron', '30 2 * * *', '--timezone', 'Europe/Berlin')
    ).split('\n');
    expect(words).toMatch(/T02:30:00\+0[12]:00/);
    expect(
      await said(
        'schedules',
        'add',
        'nightly',
        'sum',
        'a=5',
        'b=3',
        '--every',
        '90m',
        '--overlap',
        'skip',
      ),
    ).toMatch(/^nightly: Every 90 minutes, next 20/);
    expect(await said('schedules')).toMatch(/nightly +Every 90 minutes/);
    expect(await said('schedules', 'run', 'nightly')).toMatch(/^[0-9a-f-]{36}/);
    expect(await said('schedules', 'edit', 'nightly', '--cron', '@daily')).toContain('At 00:00');
    const filled = await said(
      'schedules',
      'backfill',
      'nightly',
      '--from',
      '2026-01-01',
      '--to',
      '2026-01-03',
      '--dry-run',
    );
    expect(filled).toMatch(/3 would be submitted, 0 were there/);
    expect(await said('schedules', 'pause', 'nightly')).toContain('fires no more');
    expect(await said('schedules', 'show', 'nightly')).toMatch(/paused[\s\S]*by hand/);
    expect(await said('schedules', 'resume', 'nightly')).toContain('next 20');
    expect(await said('schedules', 'next', 'nightly', '--count', '2')).toMatch(/T00:00:00\+00:00/);
    const wrong = await tasker(
      'schedules',
      'add',
      'x',
      'sum',
      '--cron',
      '61 * * * *',
      'a=1',
      'b=2',
    );
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('cron:')]);
    expect((await tasker('schedules', 'plant', 'x')).code).toBe(2);
    expect(await said('schedules', 'delete', 'nightly')).toContain('Deleted');
  });

  it('limits tasks, and keeps them unique', async () => {
    const settings = ['--max', '3', '--rate', '100/1m', '--burst', '5', '--sub-max', '1'];
    expect(await said('limits', 'set', 'mail', ...settings)).toMatch(
      /^mail +0 of 3 running, 0 waiting\n +rate 100\/60s, 5 may begin now\n +each sub-key 1$/,
    );
    expect(await said('limits', 'pause', 'mail', '--for', '10m')).toContain('paused 20');
    const rules = ['--limit', 'mail/acme', '--unique', '--expires', '1h'];
    const id = await said('submit', 'sum', 'a=5', 'b=4', ...rules);
    expect(await said('submit', 'sum', 'a=5', 'b=4', ...rules)).toBe(id);
    const again = await tasker('submit', 'sum', 'a=5', 'b=4', ...rules, '--on-conflict', 'refuse');
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining(id)]);
    expect(await said('get', id)).toContain('the limit "mail", which is paused');
    expect(await said('limits', 'show', 'mail')).toContain('acme: 1 waiting, 0 running');
    expect(await said('limits')).toMatch(/mail +0 of 3 +1 +100\/60s +1/);
    expect(await said('limits', 'resume', 'mail')).not.toContain('paused');
    expect(await said('wait', id)).toContain('completed');
    for (const wrong of [
      ['limits', 'set', 'mail', '--rate', '5'],
      ['limits', 'set', 'mail', '--max', '0'],
      ['limits', 'set', 'mail', '--burst', '5'],
      ['limits', 'grow', 'mail'],
      ['limits', 'show'],
      ['submit', 'sum', 'a=1', 'b=2', '--on-conflict', 'refuse'],
    ])
      expect((await tasker(...wrong)).code, wrong.join(' ')).toBe(2);
    expect(await said('limits', 'delete', 'mail')).toContain('Deleted');
    expect((await tasker('limits', 'show', 'mail')).code).toBe(1);
  });

  it('runs flows, and goes on from what failed', async () => {
    const file = join(folder, 'flow.json');
    const body = {
      name: 'From a terminal',
      tasks: {
        first: { type: 'sum', params: { a: 1, b: 2 } },
        second: { type: 'sum', params: { a: { $from: 'first.result.result' }, b: 4 } },
      },
    };
    await writeFile(file, JSON.stringify(body));
    expect(await said('flows', 'submit', file, '--wait')).toMatch(
      /completed, 2 of 2 tasks ended\nFrom a terminal\n.*\nfirst +completed[^]*second +completed +sum +first/,
    );
    const [id = ''] =
      (await said('flows', '--name', 'From a terminal')).match(/[0-9a-f-]{36}/) ?? [];
    expect(await said('flows', 'delete', id)).toBe(`Deleted ${id}`);
    const bad = {
      tasks: {
        bad: { type: 'broken', max_attempts: 1 },
        end: { type: 'sum', params: { a: 1, b: 1 }, after: ['bad'] },
      },
    };
    await writeFile(file, JSON.stringify(bad));
    const failed = await tasker('flows', 'submit', file, '--wait', '--json');
    const flow = JSON.parse(failed.stdout) as { flow_id: string; status: string };
    expect([failed.code, flow.status]).toEqual([1, 'FAILED']);
    expect(await said('flows', 'retry', flow.flow_id)).toContain('in progress');
    const watched = await tasker('flows', 'watch', flow.flow_id);
    expect([watched.code, watched.stdout]).toEqual([1, expect.stringMatching(/failed *$/m)]);
    expect(await said('flows', '--status', 'failed')).toContain(flow.flow_id);
    await writeFile(file, JSON.stringify({ tasks: { a: { type: 'sum', after: ['b'] } } }));
    const wrong = await tasker('flows', 'submit', file);
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('tasks.a.after')]);
    for (const usage of [
      ['flows', 'grow', 'x'],
      ['flows', 'show'],
      ['flows', 'submit', 'nowhere.json'],
      ['flows', '--limit', 'x'],
    ])
      expect((await tasker(...usage)).code, usage.join(' ')).toBe(2);
    expect((await tasker('flows', 'cancel', flow.flow_id)).code).toBe(1);
  });

  it('registers types, holds them, and deletes them', async () => {
    expect(await said('types', 'register', 'sign_off', '--manual')).toContain('manual');
    const file = join(folder, 'type.json');
    await writeFile(
      file,
      JSON.stringify({
        description: 'Shrinks',
        run: { worker: {} },
        params: { type: 'object', properties: { width: { type: 'integer' } } },
      }),
    );
    expect(await said('types', 'register', 'shrink', '--file', file)).toContain('worker');
    expect((await tasker('submit', 'shrink', 'width=x')).stderr).toContain('params.width');
    expect(await said('types', 'pause', 'shrink')).toContain('no run');
    const line = (await said('types', '--json'))
      .split('\n')
      .find((each) => each.includes('shrink'));
    expect(JSON.parse(line ?? '')).toMatchObject({
      type: 'shrink',
      paused_until: expect.any(String),
    });
    expect(await said('types', 'resume', 'shrink')).toContain('goes on');
    expect(await said('types', 'delete', 'shrink')).toBe('Deleted shrink');
    const refused = await Promise.all(
      [
        ['types', 'shrink'],
        ['types', 'pause'],
        ['types', 'register', 'x'],
        ['types', 'register', 'x', '--manual', '--worker'],
        ['types', 'test', 'sign_off'],
        ['types', 'delete', 'sum'],
      ].map((args) => tasker(...args)),
    );
    expect(refused.map(({ code }) => code)).toEqual([2, 2, 2, 2, 1, 1]);
  });

  it('tells how the service stands', async () => {
    expect(await said('types', '--json')).toContain('"sum"');
    expect(await said('queues', 'pause', 'external-low')).toContain('paused');
    expect(await said('queues', 'resume', 'external-low')).not.toContain('paused');
    expect(await said('whoami')).toContain('local at');
    expect(await said('stats', '--since', '1h')).toMatch(/sum|Nothing/);
    expect(await said('completion', 'bash')).toContain('complete -F');
    expect(await said('completion', 'zsh')).toContain('compinit');
    expect(await said('keys')).toContain('no keys');
  });

  it('says what to do about mistakes, each with its exit code', async () => {
    const wrong = async (...args: string[]) => {
      const { code, stderr } = await tasker(...args);
      return [code, stderr.trim()];
    };
    expect(await wrong('lsit')).toEqual([
      2,
      'There is no command "lsit"; did you mean "list"? Try: tasker --help',
    ]);
    expect(await wrong('list', '--nope')).toEqual([
      2,
      expect.stringContaining('Try: tasker list --help'),
    ]);
    expect(await wrong('submit')).toEqual([2, expect.stringContaining('tasker types')]);
    expect(await wrong('submit', 'sum', 'a')).toEqual([2, expect.stringContaining('name=value')]);
    expect(await wrong('submit', 'sum', 'a=x')).toEqual([1, expect.stringContaining('params.a')]);
    expect(await wrong('get', '00000000')).toEqual([
      2,
      expect.stringContaining('There is no task'),
    ]);
    expect(await wrong('list', '--url', 'http://127.0.0.1:1')).toEqual([
      3,
      expect.stringContaining('does not answer'),
    ]);
    expect(await wrong('list', '--key', 'tk_wrong')).toEqual([
      1,
      expect.stringContaining('TASKER_API_KEY'),
    ]);
    for (const [...args] of [['restore'], ['submit', 'sum', '--params'], ['flows', 'submit']]) {
      const file = args[0] === 'submit' ? '@/no/such.json' : '/no/such.json';
      expect(await wrong(...args, file)).toEqual([2, expect.stringContaining('/no/such.json')]);
    }
    const noExport = join(folder, 'no-export.ndjson');
    await writeFile(noExport, `{"task_id":${'"x"'.padStart(2_000_000)}}\n`);
    expect(await wrong('restore', noExport)).toEqual([2, 'This is no line of an export']);
    for (const command of ['submit', 'list', 'keys'])
      expect(await said(command, '--help')).toContain('--json');
  });

  it('makes a key and revokes it', async () => {
    const made = JSON.parse(
      await said(
        'keys',
        'create',
        '--name',
        'first',
        '--scope',
        'operator',
        '--scope',
        'admin',
        '--json',
      ),
    ) as { key: string; id: string };
    expect((await tasker('list')).code).toBe(1);
    expect(await said('keys', '--key', made.key)).toContain('first');
    expect(await said('keys', 'revoke', made.id, '--key', made.key)).toContain('Revoked');
  });
});
