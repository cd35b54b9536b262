import { rm } from 'node:fs/promises';
import { request } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  freePort,
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
