import { runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import type { Scope } from '../../../src/domain/api-key.ts';
import type { TaskView } from '../../../src/domain/view.ts';
import { call, finished, submit, watch } from '../../support/client.ts';
import { storeKey } from '../../support/keys.ts';

interface Key {
  id: string;
  key: string;
  owner: string;
  scopes: Scope[];
  last_used_at: string | null;
  task_types: string[] | null;
  writes_per_minute: number | null;
}

/** Calls with a key of this owner. */
const as = async (owner: string, ...scopes: Scope[]) => {
  const { key, id } = await storeKey(owner, scopes);
  const headers = { Authorization: `Bearer ${key}` };
  return {
    id,
    headers,
    ask: (path: string, init: { method?: string; json?: unknown } = {}) =>
      call(path, { ...init, headers }),
  };
};
const NEW = { name: 'new', scopes: ['tasks:read'] };

describe('an admin', () => {
  it('makes, sees and revokes the keys of its owner, and no others', async () => {
    const mine = await as('team-x', 'admin');
    const theirs = await storeKey('team-y', ['tasks:read']);
    const made = await mine.ask('/keys', { json: NEW });
    expect(made.status).toBe(201);
    const { id, owner } = await made.json<Key>();
    expect(owner).toBe('team-x');
    const { keys } = await (await mine.ask('/keys')).json<{ keys: Key[] }>();
    expect(new Set(keys.map((key) => key.owner))).toEqual(new Set(['team-x']));
    expect((await mine.ask('/keys', { json: { ...NEW, owner: 'team-y' } })).status).toBe(403);
    expect((await mine.ask(`/keys/${theirs.id}`, { method: 'DELETE' })).status).toBe(404);
    expect((await mine.ask('/keys', { json: { replaces: theirs.id } })).status).toBe(422);
    expect((await mine.ask(`/keys/${id}`, { method: 'DELETE' })).status).toBe(204);
  });

  it('gives no more than it has', async () => {
    const mine = await as('team-x', 'admin');
    for (const scope of ['operator', 'metrics:read'])
      expect((await mine.ask('/keys', { json: { ...NEW, scopes: [scope] } })).status).toBe(403);
    for (const scope of ['admin', 'tasks:write'])
      expect((await mine.ask('/keys', { json: { ...NEW, scopes: [scope] } })).status).toBe(201);
  });

  it('has no say over an operator’s key', async () => {
    const mine = await as('team-x', 'admin');
    const operator = await storeKey('team-x', ['admin', 'operator']);
    expect((await mine.ask(`/keys/${operator.id}`, { method: 'DELETE' })).status).toBe(403);
    for (const scopes of [undefined, ['tasks:read']]) {
      const json = { replaces: operator.id, scopes, grace_seconds: 0 };
      expect((await mine.ask('/keys', { json })).status).toBe(403);
    }
    const headers = { Authorization: `Bearer ${operator.key}` };
    expect((await call('/keys', { headers })).status).toBe(200);
  });

  it('makes no key that is wider than its own, or outlives it', async () => {
    const bounds = { task_types: ['sum'], writes_per_minute: 5, expires_in_days: 1 };
    const json = { owner: 'team-z', name: 'a', scopes: ['admin'], ...bounds };
    const maker = await (await call('/keys', { json })).json<Key & { expires_at: string }>();
    const make = (more: object) =>
      call('/keys', {
        json: { name: 'up', scopes: ['tasks:write'], ...more },
        headers: { Authorization: `Bearer ${maker.key}` },
      });
    for (const more of [{}, { writes_per_minute: 60, expires_in_days: 9 }, { task_types: null }]) {
      const made = await make(more);
      expect(made.status).toBe(201);
      expect(await made.json()).toMatchObject({
        task_types: ['sum'],
        writes_per_minute: 5,
        expires_at: maker.expires_at,
      });
    }
    expect((await make({ task_types: ['sum', 'broken'] })).status).toBe(403);
  });

  it('does not act on what all share', async () => {
    const mine = await as('team-x', 'admin');
    for (const [path, method] of [
      ['/queues', 'GET'],
      ['/queues/default-low/pause', 'POST'],
      ['/metrics', 'GET'],
    ] as const)
      expect([path, (await mine.ask(path, { method })).status]).toEqual([path, 403]);
    expect((await mine.ask('/owners/team-y', { method: 'DELETE' })).status).toBe(404);
  });
});

it('an operator sees and makes the keys of all owners', async () => {
  const operator = await as('ops', 'operator');
  expect((await operator.ask('/keys', { json: { ...NEW, owner: 'team-z' } })).status).toBe(201);
  const { keys } = await (await operator.ask('/keys')).json<{ keys: Key[] }>();
  expect(new Set(keys.map(({ owner }) => owner)).size).toBeGreaterThan(1);
  for (const path of ['/queues', '/metrics', '/audit'])
    expect((await operator.ask(path)).status).toBe(200);
});

it.each([
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'valueOf',
  'a b',
  '',
  '.',
  '..',
  'erased',
])('refuses the owner %j', async (owner) => {
  expect((await call('/keys', { json: { ...NEW, owner } })).status).toBe(422);
});

it('notes when a key was used', async () => {
  const { id, ask } = await as('team-used', 'tasks:read');
  await ask('/tasks');
  await vi.waitFor(async () => {
    const { keys } = await (await call('/keys')).json<{ keys: Key[] }>();
    const used = keys.find((key) => key.id === id)?.last_used_at ?? '';
    expect(Math.abs(Date.parse(used) - Date.now())).toBeLessThan(60_000);
  });
});

describe('a key of its own types', () => {
  it('names them by any of their names, and those that there are', async () => {
    const make = (types: string[]) => call('/keys', { json: { ...NEW, task_types: types } });
    const made = await make(['send_email', 'sum_two_numbers', 'sum']);
    expect(await made.json()).toMatchObject({ task_types: ['email_sending', 'sum'] });
    expect((await make(['sum', 'nope'])).status).toBe(422);
    expect((await make(['__proto__'])).status).toBe(422);
  });

  it('runs again by an action what it may run, and has to name it', async () => {
    const json = {
      owner: 'acting',
      name: 'a',
      scopes: ['tasks:write'],
      task_types: ['sum', 'bulk_action'],
    };
    const { key } = await (await call('/keys', { json })).json<Key>();
    const act = async (action: string, filter: object): Promise<number> => {
      const init = { json: { action, filter }, headers: { Authorization: `Bearer ${key}` } };
      return (await call('/tasks/actions', init)).status;
    };
    expect(await act('retry', { status: ['FAILED'] })).toBe(403);
    expect(await act('retry', { type: ['broken'] })).toBe(403);
    expect(await act('retry', { type: ['sum', 'broken'] })).toBe(403);
    expect(await act('retry', { type: ['sum'] })).toBe(202);
    expect(await act('cancel', { type: ['broken'] })).toBe(202);
  });

  it('runs those alone, by every way', async () => {
    const made = await call('/keys', {
      json: {
        owner: 'narrow',
        name: 'n',
        scopes: ['tasks:read', 'tasks:write'],
        task_types: ['sum'],
      },
    });
    const { key, task_types } = await made.json<Key>();
    expect(task_types).toEqual(['sum']);
    const headers = { Authorization: `Bearer ${key}` };
    const post = async (path: string, json: unknown): Promise<number> =>
      (await call(path, { json, headers })).status;
    const [sum, broken] = [{ type: 'sum', params: { a: 1, b: 1 } }, { type: 'broken' }];
    expect(await post('/tasks', sum)).toBe(202);
    expect(
      await post('/run-task', { task_name: 'sum_two_numbers', task_parameters: { a: 1, b: 1 } }),
    ).toBe(202);
    for (const [path, json] of [
      ['/tasks', broken],
      ['/tasks/bulk', { tasks: [sum, broken] }],
      ['/tasks/broken', {}],
      ['/tasks/retry', {}],
      ['/tasks', { task_name: 'x', duration: 0 }],
      ['/tasks/actions', { action: 'delete', filter: { type: ['sum'] } }],
      ['/run-task', { task_name: 'broken' }],
      ['/api/tasks', { task_type: 'broken' }],
    ] as const)
      expect([path, await post(path, json)]).toEqual([path, 403]);
    const { key: wide } = await storeKey('narrow', ['tasks:write']);
    const failed = await (
      await call('/tasks', {
        json: { ...broken, max_attempts: 1 },
        headers: { Authorization: `Bearer ${wide}`, Prefer: 'wait=5' },
      })
    ).json<TaskView>();
    const retry = await call(`/tasks/${failed.task_id}/retry`, { method: 'POST', headers });
    expect(retry.status).toBe(403);
  });

  it('hands its narrowness on when it is rotated', async () => {
    const json = { ...NEW, owner: 'narrow', task_types: ['sum'], writes_per_minute: 30 };
    const { id } = await (await call('/keys', { json })).json<Key>();
    const rotated = await (await call('/keys', { json: { replaces: id } })).json<Key>();
    expect(rotated).toMatchObject({ task_types: ['sum'], writes_per_minute: 30 });
  });
});

it('holds a key to its own rate of writes', async () => {
  const json = { ...NEW, owner: 'slow', scopes: ['tasks:write'], writes_per_minute: 10 };
  const { key } = await (await call('/keys', { json })).json<Key>();
  const headers = { Authorization: `Bearer ${key}` };
  const statuses: number[] = [];
  for (let i = 0; i < 15; i += 1) {
    const sum = { type: 'sum', params: { a: i, b: 1 } };
    const response = await call('/tasks', { json: sum, headers });
    statuses.push(response.status);
    if (response.status === 429)
      expect(response.headers.get('RateLimit-Policy')).toBe('"writes";q=10;w=60');
  }
  expect(statuses).toEqual([...Array(10).fill(202), ...Array(5).fill(429)]);
});

describe('a key that may not read', () => {
  it('hears how a task stands, and no more, whatever it does', async () => {
    const writer = await as('secretive', 'tasks:write');
    const secret = { string: 'aaab' };
    const type = 'longest_consecutive_letters';
    const body = { type, params: secret, title: 'a secret title', tags: ['secret'] };
    const response = await call('/tasks', {
      json: body,
      headers: { ...writer.headers, Prefer: 'wait=5' },
    });
    const done = await response.json<TaskView>();
    expect(done).toMatchObject({ type, status: 'COMPLETED', params: null, result: null });
    for (const [path, init] of [
      [`/tasks/${done.task_id}`, { method: 'PATCH', json: { title: 'another secret' } }],
      [`/tasks/${done.task_id}/cancel`, { method: 'POST' }],
      ['/tasks', { json: body }],
    ] as const) {
      const text = await (await writer.ask(path, init)).text();
      expect([path, text]).toEqual([path, expect.not.stringMatching(/secret|aaab/)]);
    }
  });
});

it('ends the streams of a key that was rotated without a grace, also behind our back', async () => {
  const watcher = await as('watched', 'tasks:read', 'tasks:write');
  const first = await watch('/events', watcher.headers);
  await first.next(() => true);
  await call('/keys', { json: { replaces: watcher.id, grace_seconds: 0 } });
  expect(await first.closed).toMatchObject({ code: 4401 });
  // As the command line does it, in the database alone.
  const other = await as('watched', 'tasks:read');
  const second = await watch('/events', other.headers);
  await second.next(() => true);
  await env.DB.prepare('UPDATE keys SET revoked_at = 1 WHERE id = ?').bind(other.id).run();
  // Within the time between two of the board's alarms.
  await runDurableObjectAlarm(env.BOARD.getByName('watched'));
  expect(await second.closed).toMatchObject({ code: 4401 });
});

it('limits the streams of one key', async () => {
  const { headers } = await as('crowded', 'tasks:read');
  const open = () => watch('/events', headers).catch((error: Error) => error);
  const all = await Promise.all(Array.from({ length: 505 }, open));
  const refused = all.filter((each) => each instanceof Error);
  expect(refused).toHaveLength(5);
  expect(refused[0]?.message).toContain('too_many_streams');
  for (const each of all) if (!(each instanceof Error)) each.socket.close();
});

it('reads one task by a token, and nothing else', async () => {
  const { task_id } = await finished((await submit('sum', { a: 1, b: 2 })).task_id);
  const other = await submit('sum', { a: 1, b: 2 });
  const reader = await as('local', 'tasks:read');
  const made = await reader.ask(`/tasks/${task_id}/token`, { method: 'POST' });
  expect(made.status).toBe(201);
  const { token, expires_at } = await made.json<{ token: string; expires_at: string }>();
  expect(Date.parse(expires_at) - Date.now()).toBeGreaterThan(3_500_000);
  const headers = { Authorization: `Bearer ${token}`, Accept: 'text/event-stream' };
  const ask = async (path: string, method = 'GET'): Promise<number> =>
    (await call(path, { method, headers })).status;
  expect(await ask(`/tasks/${task_id}`)).toBe(200);
  expect(await ask(`/tasks/${task_id}/status`)).toBe(200);
  expect(await ask(`/tasks/${task_id}/events`)).toBe(200);
  for (const [path, method] of [
    ['/tasks', 'GET'],
    ['/events', 'GET'],
    [`/tasks/${other.task_id}`, 'GET'],
    [`/get-task-output?task_uuid=${task_id}`, 'GET'],
    [`/tasks/${task_id}`, 'DELETE'],
    [`/tasks/${task_id}/token`, 'POST'],
    ['/keys', 'GET'],
  ] as const)
    expect([path, method, await ask(path, method)]).toEqual([path, method, 403]);
  const [payload = '', signature = ''] = token.slice(3).split('.');
  for (const forged of [
    `tt_${payload}x.${signature}`,
    `tt_${payload}.${signature.replace(/^./, (c) => (c === 'A' ? 'B' : 'A'))}`,
    'tt_',
    'tt_.',
  ]) {
    const response = await call(`/tasks/${task_id}`, {
      headers: { Authorization: `Bearer ${forged}` },
    });
    expect(response.status).toBe(401);
  }
  await call(`/keys/${reader.id}`, { method: 'DELETE' });
  expect(await ask(`/tasks/${task_id}`)).toBe(401);
});
