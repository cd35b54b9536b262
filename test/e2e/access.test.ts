import { readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { OWN_PATHS, readOwnPath } from '../../scripts/guard.ts';
import { createTasker, type Tasker } from '../../src/client/index.ts';
import {
  freePort,
  lockDatabases,
  readRows,
  runScript,
  startService,
  temporaryState,
  type Service,
} from '../../scripts/service.ts';

// Who gets in, at the real `wrangler dev`: open on this machine until the first key, closed to
// everything else.

const CANARY = 'canary-7f3a9c51d2';
let service: Service;
let state: string;
let port: number;
beforeAll(async () => {
  [state, port] = await Promise.all([temporaryState(), freePort()]);
  service = await startService(port, state, ['LOG_LEVEL:debug']);
});
afterAll(async () => {
  await service.kill();
  await rm(state, { recursive: true, force: true });
});

/** With any headers, `Host` and `Origin` too, which `fetch` would not send. */
const ask = (
  headers: Record<string, string>,
  { path = '/tasks', method = 'GET', body = '' } = {},
): Promise<{ status: number; text: string }> =>
  new Promise((resolve, reject) => {
    const outgoing = request({ host: 'localhost', port, path, method, headers }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
const status = async (headers: Record<string, string>, more: object = {}): Promise<number> =>
  (await ask(headers, more)).status;

const connect = (baseUrl: string, apiKey?: string): Tasker =>
  createTasker({ baseUrl, apiKey, retries: 0 });

it('is open to this machine alone, while there is no key', async () => {
  expect(await status({})).toBe(200);
  expect(await status({ Origin: `http://localhost:${port}` })).toBe(200);
  const foreign: Record<string, string>[] = [
    { Origin: 'https://evil.example' },
    { Origin: 'null' },
    { Origin: 'http://localhost:1' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'X-Forwarded-For': '127.0.0.1' },
    { 'X-Forwarded-Host': 'localhost' },
    { Forwarded: 'for=127.0.0.1' },
    { 'X-Real-IP': '127.0.0.1' },
    { 'True-Client-IP': '127.0.0.1' },
    { Via: '1.1 proxy' },
    { 'CF-Ray': 'x' },
    { 'CF-Connecting-IP': '8.8.8.8' },
    // A page whose name was rebound to this machine, also when it knows what wrangler's own proxy
    // believes.
    { Host: `evil.example:${port}` },
    { Host: `evil.example:${port}`, 'MF-Original-URL': `http://localhost:${port}/tasks` },
    { 'MF-Original-URL': 'http://localhost/' },
    { 'MF-Proxy-Shared-Secret': 'x' },
  ];
  const answers = await Promise.all(
    foreign.map(async (headers) => [JSON.stringify(headers), await status(headers)]),
  );
  expect(answers).toEqual(foreign.map((headers) => [JSON.stringify(headers), 401]));
  for (const method of ['POST', 'DELETE', 'PUT', 'OPTIONS'])
    expect(await status({ Origin: 'https://evil.example' }, { method })).not.toBe(200);
  const socket = {
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  };
  expect(await status({ ...socket, Origin: 'https://evil.example' }, { path: '/events' })).toBe(
    401,
  );
});

/** What wrangler would answer by itself: its explorer, every owner's files, its triggers. */
const NOT_OURS = [
  '/cdn-cgi/explorer/api/d1/database/DB/raw',
  '/cdn-cgi/local/explorer',
  '/cdn-cgi/local/r2/public/tasker-files/local/a.txt',
  '/cdn-cgi/local/scheduled',
  '/cdn-cgi/handler/scheduled',
  '/cdn-cgi/mf/scheduled',
  '/cdn-cgi/live-reload',
  '/__scheduled',
  '/__cf_local/imagedelivery/x',
  '/tasks/../cdn-cgi/explorer',
  '/./cdn-cgi/explorer',
  '/%2e/cdn-cgi/explorer',
  '/tasks/%2E%2e/cdn-cgi/explorer',
  '/cdn-cgi\\explorer',
  '/\\cdn-cgi\\explorer',
  '//cdn-cgi/explorer',
  '/%63dn-cgi/explorer',
  '/CDN-CGI/explorer',
  '*',
];

it('passes on what is ours alone, by every method and for upgrades', async () => {
  for (const path of [...NOT_OURS, `http://localhost:${port}/cdn-cgi/explorer`])
    for (const method of ['GET', 'POST', 'OPTIONS'])
      expect([path, await status({}, { path, method })]).toEqual([path, 404]);
  const upgrade = (path: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const headers = {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Protocol': 'WRANGLER_PROXYWORKER_LIVE_RELOAD_PROTOCOL',
      };
      const outgoing = request({ host: 'localhost', port, path, headers });
      outgoing.on('response', ({ statusCode }) => resolve(statusCode));
      outgoing.on('upgrade', ({ statusCode }, socket) => (socket.destroy(), resolve(statusCode)));
      outgoing.on('error', reject);
      outgoing.end();
    });
  for (const path of NOT_OURS) expect([path, await upgrade(path)]).toEqual([path, 404]);
  expect(await upgrade('/events')).toBe(101);
});

it('passes on every path of the document, and the files of the pages', async () => {
  const { paths } = JSON.parse((await ask({}, { path: '/openapi.json' })).text) as {
    paths: Record<string, unknown>;
  };
  for (const path of [...Object.keys(paths), '/', '/index.html', '/assets/x.js'])
    expect([path, readOwnPath(path)]).not.toEqual([path, null]);
  const firsts = Object.keys(paths).map((path) => path.split('/')[1]);
  const files = ['assets', 'index.html'];
  expect([...OWN_PATHS].filter((path) => !firsts.includes(path) && !files.includes(path))).toEqual(
    [],
  );
});

it('opens no inspector', async () => {
  const targets = await fetch('http://127.0.0.1:9229/json', { signal: AbortSignal.timeout(2_000) })
    .then((response) => response.text())
    .catch(() => '');
  expect(targets).not.toContain('tasker');
});

it('exports what there is without a key, and stays open', async () => {
  const folder = join(state, 'exported');
  const where = ['--url', service.url, '--to', folder];
  const { task_id } = await connect(service.url).submit({ type: 'sum', params: { a: 1, b: 2 } });
  await connect(service.url).putFile('notes.txt', 'hello', 'text/plain');
  const task = { type: 'sum', params: { a: 1, b: 2 } };
  await connect(service.url).schedules.create({ name: 'yearly', cron: '@yearly', task });
  await connect(service.url).registerType('own', { description: 'x', run: { manual: {} } });
  expect(await runScript('owners', ['export', 'local', ...where])).toMatchObject({ code: 0 });
  expect(await readFile(join(folder, 'schedules.ndjson'), 'utf8')).toContain('"yearly"');
  expect(await readFile(join(folder, 'types.json'), 'utf8')).toContain('"own"');
  expect(await readFile(join(folder, 'tasks.ndjson'), 'utf8')).toContain(task_id);
  expect(await readFile(join(folder, 'files', 'notes.txt'), 'utf8')).toBe('hello');
  expect(JSON.parse(await readFile(join(folder, 'keys.json'), 'utf8'))).toEqual([]);
  expect(await status({})).toBe(200);
  const other = await runScript('owners', ['export', 'somebody', ...where]);
  expect(other).toMatchObject({ code: 1, output: expect.stringContaining('--key') as string });
});

it('asks for a key once there is one, and refuses one that was revoked within 10 s', async () => {
  const made = await runScript('keys', [
    'create',
    '--owner',
    'local',
    '--name',
    'e2e',
    '--state',
    state,
    '--json',
  ]);
  expect(made.output).toContain('tk_');
  const { key, id } = JSON.parse(made.output.slice(made.output.indexOf('{'))) as {
    key: string;
    id: string;
  };
  const until = async (wanted: number, headers: Record<string, string>): Promise<number> => {
    const startedAt = Date.now();
    while ((await status(headers)) !== wanted && Date.now() - startedAt < 30_000)
      await new Promise((resolve) => setTimeout(resolve, 250));
    return Date.now() - startedAt;
  };
  expect(await until(401, {})).toBeLessThan(12_000);
  const auth = { Authorization: `Bearer ${key}` };
  expect(await status(auth)).toBe(200);

  // The canary, wherever a caller can put it.
  const json = { ...auth, 'Content-Type': 'application/json' };
  const post = (path: string, body: object, headers: Record<string, string> = json) =>
    ask(headers, { path, method: 'POST', body: JSON.stringify(body) });
  const answers = [
    await post('/tasks', {
      type: 'longest_consecutive_letters',
      params: { string: CANARY },
      title: 'visible',
    }),
    await post('/tasks', { type: 'sum', params: { a: CANARY } }),
    await post('/tasks', {
      type: 'data_processing',
      params: { data: CANARY, operations: [{ op: 'limit', count: 1 }] },
    }),
    await post('/tasks', {
      type: 'email_sending',
      params: { to: 'a@example.com', subject: CANARY, text: CANARY },
    }),
    await post('/run-task', { task_name: 'chatgpt', task_parameters: { prompt: CANARY } }),
    await post('/api/tasks', { task_type: 'weather', parameters: { city: CANARY } }),
    await ask(auth, { path: `/tasks?q=${CANARY}&params.x=${CANARY}` }),
    await ask({ Authorization: `Bearer ${CANARY}` }),
    await ask({ Authorization: `Bearer tk_${CANARY}` }),
    await ask(
      { ...socketHeaders, 'Sec-WebSocket-Protocol': `tasker.v1, ticket.bG9jYWw.${CANARY}` },
      { path: '/events' },
    ),
    await post('/tasks', { type: 'broken', [CANARY]: 1 }),
    await ask(json, { path: '/tasks', method: 'POST', body: `{"${CANARY}` }),
    await ask(auth, { path: `/files/${CANARY}` }),
    await ask(auth, { path: `/tasks/${key}` }),
  ];
  // What is to be logged has been once all of them have ended; nothing retries a mail here.
  for (;;) {
    const { text } = await ask(auth, {
      path: '/tasks?status=NEW&status=PENDING&status=IN_PROGRESS',
    });
    if ((JSON.parse(text) as { tasks: unknown[] }).tasks.length === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  expect(answers.map((answer) => answer.status)).toEqual([
    202, 422, 202, 202, 202, 202, 200, 401, 401, 401, 422, 400, 404, 404,
  ]);
  const log = service
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'));
  expect(log.length).toBeGreaterThan(20);
  expect(log.filter((line) => line.includes(CANARY) || line.includes(key))).toEqual([]);
  for (const path of ['/health', '/metrics', '/stats', '/queues']) {
    const { text } = await ask(auth, { path });
    expect(text).not.toContain(CANARY);
    expect(text).not.toContain(key);
  }

  expect((await runScript('keys', ['revoke', id, '--state', state])).code).toBe(0);
  const took = await until(401, auth);
  console.log(`a revoked key was refused after ${took} ms`);
  expect(took).toBeLessThan(12_000);
  expect((await runScript('keys', ['list', '--state', state])).output).toContain(id);
}, 110_000);

const socketHeaders = {
  Upgrade: 'websocket',
  Connection: 'Upgrade',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

it('makes a key once while the service is writing to the same database', async () => {
  const make = (name: string) =>
    runScript('keys', ['create', '--state', state, '--json', '--owner', 'busy', '--name', name]);
  const { key } = JSON.parse((await make('writer')).output) as { key: string };
  const tasker = connect(service.url, key);
  const tasks = Array.from({ length: 50 }, (_, i) => ({ type: 'sum', params: { a: i, b: 1 } }));
  let isMade = false;
  const write = async (): Promise<void> => {
    while (!isMade) await tasker.request('/tasks/bulk', { method: 'POST', json: { tasks } });
  };
  const writing = write();
  const made = await make('made');
  isMade = true;
  await writing;
  expect(made.code, made.output).toBe(0);
  const { keys } = await tasker.request<{ keys: { name: string }[] }>('/keys');
  expect(keys.filter(({ name }) => name === 'made')).toHaveLength(1);
}, 110_000);

it('keeps nobody out while another process writes to the database', async () => {
  const made = await runScript('keys', [
    'create',
    '--state',
    state,
    '--json',
    '--owner',
    'patient',
  ]);
  const { key } = JSON.parse(made.output) as { key: string };
  const tasker = connect(service.url, key);
  const tasks = [{ type: 'sum', params: { a: 1, b: 1 } }];
  let isOver = false;
  const repeat = async (send: () => Promise<unknown>): Promise<number> => {
    let done = 0;
    for (; !isOver; done += 1) await send();
    return done;
  };
  const running = Promise.all([
    repeat(() => tasker.request('/tasks/bulk', { method: 'POST', json: { tasks } })),
    repeat(() => tasker.request('/tasks')),
  ]);
  for (let i = 0; i < 10; i += 1) {
    await lockDatabases(state, 100);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  isOver = true;
  const [submitted] = await running;
  const counts = "SELECT count(*) AS n FROM tasks WHERE owner = 'patient'";
  expect(readRows<{ n: number }>(state, counts).reduce((sum, { n }) => sum + n, 0)).toBe(submitted);
}, 110_000);

it('lets an operator export another owner, leaving no key behind, and erase it', async () => {
  const make = async (...args: string[]): Promise<string> => {
    const made = await runScript('keys', ['create', '--state', state, '--json', ...args]);
    return (JSON.parse(made.output) as { key: string }).key;
  };
  const [operator, guest] = [await make(), await make('--owner', 'guest', '--name', 'guest')];
  const tasker = connect(service.url, guest);
  const { task_id } = await tasker.submit({ type: 'sum', params: { a: 1, b: 2 } });
  const folder = join(state, 'guest');
  const owners = (...args: string[]) =>
    runScript('owners', [...args, '--url', service.url, '--key', operator]);
  expect(await owners('export', 'guest', '--to', folder)).toMatchObject({ code: 0 });
  expect(await readFile(join(folder, 'tasks.ndjson'), 'utf8')).toContain(task_id);
  expect(await readFile(join(folder, 'audit.ndjson'), 'utf8')).toContain('key.created');
  const keys = async (): Promise<{ name: string; revoked_at: string | null }[]> =>
    (await connect(service.url, operator).request<{ keys: never[] }>('/keys')).keys;
  const borrowed = (await keys()).filter(({ name }) => name === 'export');
  expect(borrowed.map(({ revoked_at }) => revoked_at !== null)).toEqual([true]);

  expect(await owners('erase', 'guest')).toMatchObject({ code: 1 });
  expect(await owners('erase', 'guest', '--yes')).toMatchObject({ code: 0 });
  await expect(tasker.get(task_id)).rejects.toMatchObject({ code: 'key_revoked' });
  expect(JSON.stringify(await keys())).not.toContain('guest');
});
