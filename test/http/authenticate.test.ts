import { runDurableObjectAlarm } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import {
  hashApiKey,
  isWellFormedKey,
  generateApiKey,
  SCOPES,
  type Scope,
} from '../../src/domain/api-key.ts';
import { app } from '../../src/http/app.ts';
import { uniqueSymbol } from 'hono-openapi';
import type { Extensions } from '../../src/http/middleware/docs.ts';
import { isFromThisMachine } from '../../src/http/local-access.ts';
import { call, submit, watch } from '../support/client.ts';
import { observeDatabase } from '../support/database.ts';
import { storeKey, usualKey } from '../support/keys.ts';
import { aTask, store } from '../support/rows.ts';

/** What the middleware of a route says that it asks for. */
function contributionsTo(method: string, path: string): { access?: string; isLimited: boolean } {
  const specs = app.routes
    .filter((each) => each.method === method && each.path === path)
    .map(
      ({ handler }) => (handler as { [uniqueSymbol]?: { spec?: Extensions } })[uniqueSymbol]?.spec,
    );
  const access = specs.map((spec) => spec?.['x-scope']).find((found) => found !== undefined);
  const isLimited = specs.some((spec) => spec?.['x-problems']?.join() === 'rate_limited');
  return { ...(access !== undefined && { access }), isLimited };
}

const routes = app.routes
  .filter(({ method }) => method !== 'ALL')
  .filter(
    ({ method, path }, i, all) =>
      all.findIndex((each) => each.method === method && each.path === path) === i,
  )
  .map(({ method, path }) => ({
    method,
    path,
    ...contributionsTo(method, path),
  }));

const ask = (
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: string,
): Promise<Response> =>
  exports.default.fetch(
    new Request(`http://localhost:8787${path}`, {
      method,
      headers: { ...(body !== undefined && { 'Content-Type': 'application/json' }), ...headers },
      ...(body !== undefined && { body }),
    }),
  );

const someId = '0199b3c2-0000-7000-8000-000000000000';
const filled = (path: string, id = someId): string =>
  path.replace(':id', id).replace(':name', 'some.csv').replace(':key', 'mine');
const code = async (response: Response): Promise<string> =>
  (await response.json<{ code: string }>()).code;

describe('every route', () => {
  it('is limited by the rate of writes where it writes', () => {
    const unlimited = routes.filter(
      // A run has a rate of its own.
      ({ method, access, isLimited }) =>
        (method !== 'GET' && access !== 'public' && access !== 'run') !== isLimited,
    );
    expect(unlimited).toEqual([]);
  });

  it('says what it asks for', () => {
    expect(routes.filter(({ access }) => access === undefined)).toEqual([]);
    expect(routes.filter(({ access }) => access === 'public').map(({ path }) => path)).toEqual([
      '/health',
      '/openapi.json',
      '/docs',
      '/docs/errors',
      '/redoc',
    ]);
  });

  it.each(routes.filter(({ access }) => access === 'run'))(
    '$method $path is for runs alone',
    async ({ method, path }) => {
      for (const bearer of ['', 'Bearer', `Bearer ${usualKey.key}`, 'Bearer run_eyJ.x']) {
        const body = method === 'GET' ? undefined : '{}';
        const response = await ask(method, path, { Authorization: bearer }, body);
        expect([response.status, await code(response)]).toEqual([401, 'run_invalid']);
      }
    },
  );

  const guarded = routes.filter(({ access }) => access !== 'public' && access !== 'run');
  it.each(guarded)(
    '$method $path refuses every bad credential',
    async ({ method, path, access }) => {
      const other = SCOPES.filter(
        (scope) => scope !== access && scope !== 'admin' && scope !== 'operator',
      );
      const now = Date.now();
      const mistyped = `${usualKey.key.slice(0, -1)}${usualKey.key.endsWith('0') ? '1' : '0'}`;
      const bad: [string, number, Record<string, string>][] = [
        ['key_missing', 401, {}],
        ['key_invalid', 401, { Authorization: '' }],
        ['key_invalid', 401, { Authorization: 'Basic dXNlcjpwYXNz' }],
        ['key_invalid', 401, { Authorization: 'Bearer' }],
        ['key_invalid', 401, { Authorization: 'Bearer nonsense' }],
        ['key_invalid', 401, { Authorization: `Bearer ${usualKey.key}x` }],
        ['key_invalid', 401, { Authorization: `Bearer ${mistyped}` }],
        ['key_invalid', 401, { Authorization: `Bearer ${generateApiKey().key}` }],
        [
          'key_expired',
          401,
          { Authorization: `Bearer ${(await storeKey('x', SCOPES, { expires_at: now - 1 })).key}` },
        ],
        [
          'key_revoked',
          401,
          { Authorization: `Bearer ${(await storeKey('x', SCOPES, { revoked_at: now - 1 })).key}` },
        ],
        ['scope_missing', 403, { Authorization: `Bearer ${(await storeKey('x', other)).key}` }],
      ];
      for (const [expected, status, headers] of bad) {
        const response = await ask(
          method,
          filled(path),
          headers,
          ['POST', 'PUT', 'PATCH'].includes(method) ? '{}' : undefined,
        );
        if (headers['Authorization'] === '' && response.status === 401) continue;
        expect([response.status, await code(response)]).toEqual([status, expected]);
        if (status === 401)
          expect(response.headers.get('WWW-Authenticate')).toBe('Bearer realm="tasker"');
      }
    },
  );
});

/** A body that is right, where one is needed. */
const bodyFor = (method: string, path: string): string | undefined => {
  if (path.endsWith('/fail')) return '{"message":"theirs"}';
  if (path.endsWith('/backfill'))
    return '{"from":"2026-01-01T00:00:00Z","to":"2026-01-01T00:00:00Z"}';
  if (path.startsWith('/schedules') && method === 'PATCH') return '{"overlap":"skip"}';
  return ['PATCH', 'PUT'].includes(method) && !path.startsWith('/files')
    ? '{"title":"theirs"}'
    : undefined;
};

describe('another owner', () => {
  let theirs: { Authorization: string };
  let id: string;
  beforeAll(async () => {
    theirs = {
      Authorization: `Bearer ${(await storeKey('somebody else', ['tasks:read', 'tasks:write', 'types:write', 'schedules:write', 'limits:write'])).key}`,
    };
    id = (await submit('sum', { a: 1, b: 1 }, { delay_seconds: 600, title: 'mine' })).task_id;
    await call('/limits/mine', { method: 'PUT', body: '{}' });
    await call('/files/some.csv', { method: 'PUT', body: 'mine' });
  });

  it.each(
    routes.filter(
      ({ path, method, access }) =>
        /:id|:name|:key/.test(path) &&
        !['admin', 'operator'].includes(String(access)) &&
        // A type or a limit of the same name is theirs.
        !['PUT /task-types/:name', 'PUT /limits/:key'].includes(`${method} ${path}`),
    ),
  )('does not exist on $method $path', async ({ method, path }) => {
    const response = await ask(
      method,
      filled(path, id),
      { ...theirs, Accept: 'text/event-stream' },
      bodyFor(method, path),
    );
    // Their own file of the same name is theirs alone.
    if (method === 'PUT' && path.startsWith('/files'))
      expect([200, 201]).toContain(response.status);
    else if (path.startsWith('/files')) expect([200, 204, 404]).toContain(response.status);
    else expect(response.status).toBe(404);
    expect(await (await call(`/tasks/${id}`)).json()).toMatchObject({
      title: 'mine',
      status: 'NEW',
    });
    expect(await (await call('/files/some.csv')).text()).toBe('mine');
  });

  it('is in no list, output, stream, key, or reused result', async () => {
    for (const path of ['/tasks', '/tasks?q=mine', '/api/tasks', '/files'])
      expect(await (await ask('GET', path, theirs)).text()).not.toMatch(/mine|some\.csv/);
    expect((await ask('GET', `/get-task-output?task_uuid=${id}`, theirs)).status).toBe(404);
    const body = JSON.stringify({
      type: 'longest_consecutive_letters',
      params: { string: 'shared' },
    });
    const mine = await (
      await call('/tasks', {
        method: 'POST',
        body,
        headers: {
          'Content-Type': 'application/json',
          'Idempotency-Key': 'same',
          Prefer: 'wait=5',
        },
      })
    ).json<{ task_id: string }>();
    const their = await (
      await ask('POST', '/tasks', { ...theirs, 'Idempotency-Key': 'same' }, body)
    ).json<{ task_id: string; reused_from: string | null }>();
    expect(their.task_id).not.toBe(mine.task_id);
    expect(their.reused_from).toBeNull();
    // Each repetition finds its own owner's task.
    const again = async (headers: Record<string, string>) =>
      (
        await (
          await ask('POST', '/tasks', { ...headers, 'Idempotency-Key': 'same' }, body)
        ).json<{ task_id: string }>()
      ).task_id;
    expect(await again(theirs)).toBe(their.task_id);
    expect(await again({ Authorization: `Bearer ${usualKey.key}` })).toBe(mine.task_id);
    const socket = (await ask('GET', '/events', { ...theirs, Upgrade: 'websocket' })).webSocket;
    const frames: string[] = [];
    socket?.addEventListener('message', ({ data }) => void frames.push(String(data)));
    socket?.accept();
    const own = await watch('/events');
    await submit('sum', { a: 1, b: 1 }, { title: 'mine again' });
    // Once our own stream tells of it, theirs would have too.
    await own.next((frame) => JSON.stringify(frame).includes('mine again'));
    own.socket.close();
    expect(frames.join()).not.toContain('mine');
    socket?.close();
  });
});

describe('keys', () => {
  it('have a checksum that finds a mistyped one without the database', async () => {
    const { key } = generateApiKey();
    expect(key).toMatch(/^tk_[0-9A-Za-z]{49}$/);
    expect(isWellFormedKey(key)).toBe(true);
    const { asked, stop } = observeDatabase();
    for (let i = 0; i < 1_000; i += 1) {
      const at = 3 + (i % 49);
      const wrong = `${key.slice(0, at)}${key[at] === 'A' ? 'B' : 'A'}${key.slice(at + 1)}`;
      expect(isWellFormedKey(wrong)).toBe(false);
      expect((await ask('GET', '/tasks', { Authorization: `Bearer ${wrong}` })).status).toBe(401);
    }
    stop();
    expect(asked).toEqual([]);
  });

  it('are read once, and held for a while', async () => {
    const { key } = await storeKey('reader', ['tasks:read']);
    const { asked, stop } = observeDatabase();
    for (let i = 0; i < 20; i += 1)
      await ask('GET', '/task-types', { Authorization: `Bearer ${key}` });
    stop();
    expect(asked.filter(({ sql }) => sql.includes('from "keys"'))).toHaveLength(1);
  });

  it('serve many first requests at once, each by a read of its own', async () => {
    const { key } = await storeKey('crowd', ['tasks:read']);
    const answers = await Promise.all(
      Array.from({ length: 32 }, () => ask('GET', '/tasks', { Authorization: `Bearer ${key}` })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 32 }, () => 200));
  });

  it('are made, listed, replaced and revoked by admins; shown once, and stored as a hash', async () => {
    const made = await (
      await call('/keys', {
        json: {
          owner: 'team-a',
          name: 'one',
          scopes: ['tasks:read', 'tasks:write'],
          expires_in_days: 1,
        },
      })
    ).json<{ id: string; key: string; expires_at: string }>();
    const auth = { Authorization: `Bearer ${made.key}` };
    expect((await ask('GET', '/tasks', auth)).status).toBe(200);
    const row = await env.DB.prepare('SELECT * FROM keys WHERE id = ?').bind(made.id).first();
    expect(row).toMatchObject({
      owner: 'team-a',
      hash: await hashApiKey(made.key),
      prefix: made.key.slice(0, 11),
    });
    expect(JSON.stringify(row)).not.toContain(made.key);
    const listed = await (await call('/keys')).text();
    expect(listed).toContain(made.id);
    expect(listed).not.toContain(made.key);
    const next = await (
      await call('/keys', { json: { replaces: made.id, grace_seconds: 60 } })
    ).json<{ key: string; owner: string; scopes: Scope[]; name: string }>();
    expect(next).toMatchObject({
      owner: 'team-a',
      name: 'one',
      scopes: ['tasks:read', 'tasks:write'],
    });
    const { expires_at } = (await env.DB.prepare('SELECT expires_at FROM keys WHERE id = ?')
      .bind(made.id)
      .first<{ expires_at: number }>()) ?? { expires_at: 0 };
    expect(expires_at).toBeLessThan(Date.now() + 61_000);
    expect((await call(`/keys/${made.id}`, { method: 'DELETE' })).status).toBe(204);
    expect(await code(await ask('GET', '/tasks', auth))).toBe('key_revoked');
    expect((await call(`/keys/${made.id}`, { method: 'DELETE' })).status).toBe(204);
    expect((await call(`/keys/${someId}`, { method: 'DELETE' })).status).toBe(404);
  });

  it.each([
    {},
    { owner: 'a b', name: 'x', scopes: ['admin'] },
    { owner: 'a', name: 'x', scopes: ['everything'] },
    { owner: 'a', name: 'x', scopes: [] },
    { replaces: someId },
    { replaces: someId, owner: 'other' },
    { owner: 'a', name: 'x', scopes: ['admin'], expires_in_days: 0 },
  ])('are refused: %j', async (json) => {
    expect((await call('/keys', { json })).status).toBe(422);
  });

  it('keep their end when they are replaced, and do not come back once revoked', async () => {
    const expires_at = Date.now() + 3_600_000;
    const { id } = await storeKey('rotating', ['tasks:read'], { expires_at });
    const next = await (
      await call('/keys', { json: { replaces: id } })
    ).json<{ id: string; expires_at: string }>();
    expect(Date.parse(next.expires_at)).toBe(expires_at);
    await call(`/keys/${next.id}`, { method: 'DELETE' });
    expect((await call('/keys', { json: { replaces: next.id } })).status).toBe(422);
    const expired = await storeKey('rotating', ['tasks:read'], { expires_at: Date.now() - 1 });
    expect((await call('/keys', { json: { replaces: expired.id } })).status).toBe(422);
  });

  it('end their streams when they are revoked', async () => {
    const { id, key } = await storeKey('watcher', ['tasks:read', 'tasks:write']);
    const auth = { Authorization: `Bearer ${key}` };
    const list = (await ask('GET', '/events', { ...auth, Upgrade: 'websocket' })).webSocket;
    const closed = new Promise<number>((resolve) =>
      list?.addEventListener('close', ({ code: why }) => resolve(why)),
    );
    list?.accept();
    await call(`/keys/${id}`, { method: 'DELETE' });
    expect(await closed).toBe(4401);
  });

  it('end their streams when they expire', async () => {
    const { key } = await storeKey('short of time', ['tasks:read'], {
      expires_at: Date.now() + 500,
    });
    const socket = (
      await ask('GET', '/events', { Authorization: `Bearer ${key}`, Upgrade: 'websocket' })
    ).webSocket;
    let closed: number | null = null;
    socket?.addEventListener('close', ({ code: why }) => (closed = why));
    socket?.accept();
    const board = env.BOARD.getByName('short of time');
    await runDurableObjectAlarm(board);
    expect(closed).toBeNull();
    await vi.waitFor(
      async () => {
        await runDurableObjectAlarm(board);
        expect(closed).toBe(4401);
      },
      { timeout: 5_000 },
    );
  });

  it('that cannot be read are a 503, not an open door', async () => {
    vi.spyOn(Object.getPrototypeOf(env.DB) as D1Database, 'prepare').mockImplementation(() => {
      throw new Error('D1_ERROR: Network connection lost.');
    });
    const response = await ask('GET', '/tasks', {
      Authorization: `Bearer ${generateApiKey().key}`,
    });
    vi.restoreAllMocks();
    expect([response.status, await code(response)]).toEqual([503, 'database_unavailable']);
  });
});

describe('tickets', () => {
  const open = (path: string, ticket: string): Promise<Response> =>
    ask('GET', path, {
      Upgrade: 'websocket',
      'Sec-WebSocket-Protocol': `tasker.v1, ticket.${ticket}`,
    });
  const make = async (json: object = {}) =>
    (await call('/events/ticket', { json })).json<{ ticket: string; expires_in: number }>();

  it('open one stream, once, of the one that they are for', async () => {
    const { ticket, expires_in } = await make();
    expect(expires_in).toBe(30);
    const first = await open('/events', ticket);
    expect([first.status, first.headers.get('Sec-WebSocket-Protocol')]).toEqual([101, 'tasker.v1']);
    first.webSocket?.accept();
    first.webSocket?.close();
    const second = await open('/events', ticket);
    expect([second.status, await code(second)]).toEqual([401, 'ticket_invalid']);
    const { task_id } = await submit('sum', { a: 1, b: 1 }, { delay_seconds: 600 });
    expect((await open('/events', (await make({ task_id })).ticket)).status).toBe(401);
    expect((await open(`/tasks/${task_id}/events`, (await make()).ticket)).status).toBe(401);
    const right = await open(`/tasks/${task_id}/events`, (await make({ task_id })).ticket);
    expect(right.status).toBe(101);
    right.webSocket?.accept();
    right.webSocket?.close();
  });

  it('are not guessed, forged for another owner, or used for anything else', async () => {
    const { ticket } = await make();
    const [owner = '', secret = ''] = ticket.split('.');
    for (const forged of [
      `${btoa('somebody').replaceAll('=', '')}.${secret}`,
      `${owner}.${'0'.repeat(64)}`,
      `${owner}.${secret}0`,
      `!!!.${secret}`,
      '..',
    ])
      expect((await open('/events', forged)).status).toBe(401);
    expect(
      (await ask('GET', '/tasks', { 'Sec-WebSocket-Protocol': `ticket.${ticket}` })).status,
    ).toBe(401);
  });

  it('of a revoked key open nothing', async () => {
    const { id, key } = await storeKey('local', ['tasks:read']);
    const { ticket } = await (
      await ask('POST', '/events/ticket', { Authorization: `Bearer ${key}` })
    ).json<{ ticket: string }>();
    await call(`/keys/${id}`, { method: 'DELETE' });
    expect((await open('/events', ticket)).status).toBe(401);
  });

  it('may not be used by a foreign page', async () => {
    const { ticket } = await make();
    const protocols = { 'Sec-WebSocket-Protocol': `tasker.v1, ticket.${ticket}` };
    expect(
      (
        await ask('GET', '/events', {
          Upgrade: 'websocket',
          Origin: 'https://evil.example',
          ...protocols,
        })
      ).status,
    ).toBe(403);
    // Which has not spent it.
    const right = await ask('GET', '/events', { Upgrade: 'websocket', ...protocols });
    expect(right.status).toBe(101);
    right.webSocket?.accept();
    right.webSocket?.close();
    const response = await ask('GET', '/events', {
      Upgrade: 'websocket',
      Origin: 'https://evil.example',
      Authorization: `Bearer ${usualKey.key}`,
    });
    expect([response.status, await code(response)]).toEqual([403, 'origin_not_allowed']);
    const own = await watch('/events');
    own.socket.close();
  });
});

describe('from this machine', () => {
  const local = { host: 'localhost:8787', 'cf-connecting-ip': '127.0.0.1' };
  const request = (headers: Record<string, string>, url = 'http://localhost:8787/tasks') =>
    new Request(url, { headers });

  it.each([
    [local as object],
    [{ ...local, host: '127.0.0.1:8787' }],
    [{ ...local, 'cf-connecting-ip': '::1' }],
    [{ ...local, origin: 'http://localhost:8787' }],
    [{ ...local, 'sec-fetch-site': 'same-origin' }],
    [{ ...local, 'sec-fetch-site': 'none' }],
  ])('is %j', (headers: object) => {
    expect(isFromThisMachine(request(headers as Record<string, string>))).toBe(true);
  });

  it.each([
    [{ ...local, host: 'evil.example' }],
    [{ ...local, host: 'localhost.evil.example' }],
    [{ ...local, host: '192.168.1.5:8787' }],
    [{ 'cf-connecting-ip': '127.0.0.1' }],
    [{ ...local, 'cf-connecting-ip': '192.168.1.5' }],
    [{ host: 'localhost:8787' }],
    ...[
      'forwarded',
      'x-forwarded-for',
      'x-forwarded-host',
      'x-forwarded-anything',
      'x-real-ip',
      'cf-ray',
      'mf-original-url',
    ].map((name): [object] => [{ ...local, [name]: 'x' }]),
    [{ ...local, origin: 'null' }],
    [{ ...local, origin: 'https://evil.example' }],
    [{ ...local, origin: 'http://localhost:3000' }],
    [{ ...local, origin: 'https://localhost:8787' }],
    [{ ...local, 'sec-fetch-site': 'cross-site' }],
    [{ ...local, 'sec-fetch-site': 'same-site' }],
  ])('is not %j', (headers: object) => {
    expect(isFromThisMachine(request(headers as Record<string, string>))).toBe(false);
  });

  it.each([
    'http://evil.example/tasks',
    'http://localhost.evil.example/',
    'http://192.168.1.5:8787/',
    'http://0.0.0.0:8787/',
  ])('is not %s', (url) => {
    expect(isFromThisMachine(request(local, url))).toBe(false);
  });
});

describe('headers', () => {
  it.each(['/tasks', '/nowhere', '/health', '/docs', '/tasks/nonsense'])(
    'guard every answer: %s',
    async (path) => {
      const { headers } = await call(path);
      expect(Object.fromEntries(headers)).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
      });
      expect(headers.get('Content-Security-Policy')).toContain("default-src 'none'");
      expect(headers.get('Content-Security-Policy')).toContain("frame-ancestors 'none'");
      expect(headers.get('Access-Control-Allow-Origin')).toBeNull();
      const secure = await exports.default.fetch(new Request(`https://tasker.example${path}`));
      expect(secure.headers.get('Strict-Transport-Security')).toContain('max-age=');
    },
  );
});

it('keeps a foreign owner’s row from every statement', async () => {
  const foreign = aTask({ owner: 'foreign', scheduledAt: Date.now() + 600_000 });
  await store(foreign);
  expect((await call(`/tasks/${foreign.id}`)).status).toBe(404);
});

describe('the token of a run', () => {
  it('submits tasks only where the key of its worker may', async () => {
    const as = (key: string) => ({ Authorization: `Bearer ${key}` });
    const definition = JSON.stringify({ description: 'For a test', run: { worker: {} } });
    const put = await ask('PUT', '/task-types/of_a_key', as(usualKey.key), definition);
    expect(put.ok).toBe(true);
    const answers: [number, string][] = [];
    for (const scopes of [['work'], ['work', 'tasks:write']] as const) {
      const { key, id } = await storeKey('local', [...scopes]);
      await ask('POST', '/tasks', as(usualKey.key), '{"type":"of_a_key"}');
      const wish = JSON.stringify({ worker: id, types: ['of_a_key'], max: 1 });
      const leased = await ask('POST', '/work', as(key), wish);
      const [task] = (await leased.json<{ tasks: { run: string }[] }>()).tasks;
      const child = '{"n":0,"task":{"type":"sum","params":{"a":1,"b":2}}}';
      const submitChild = async (): Promise<void> => {
        const answer = await ask('POST', '/runs/tasks', as(task?.run ?? ''), child);
        const { code: word = '' } = await answer.json<{ code?: string }>();
        answers.push([answer.status, word]);
      };
      await submitChild();
      await call(`/keys/${id}`, { method: 'DELETE' });
      await submitChild();
    }
    expect(answers).toEqual([
      [403, 'scope_missing'],
      [401, 'key_revoked'],
      [202, ''],
      [401, 'key_revoked'],
    ]);
  });
});
