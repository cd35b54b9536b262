import { describe, expect, it } from 'vitest';
import { call } from '../../support/client.ts';
import { storeKey } from '../../support/keys.ts';

const ORIGIN = 'http://localhost:8787';
/** As a browser sends what a script of our page asks for. */
const PAGE = { 'X-Tasker-Session': '1', Origin: ORIGIN, Authorization: '' };

const bearer = (key: string) => ({ Authorization: `Bearer ${key}` });

const signIn = async (key: string): Promise<string> => {
  const response = await call('/session', { json: {}, headers: bearer(key) });
  expect(response.status).toBe(201);
  return response.headers.get('Set-Cookie') ?? '';
};
const toCookie = (header: string): string => header.split(';')[0] ?? '';

/** A call without any key. */
const callAs = (
  cookie: string,
  headers: Record<string, string> = PAGE,
  path = '/tasks',
  init = {},
) => {
  const all = new Headers({ ...headers, Cookie: cookie });
  if (all.get('Authorization') === '') all.delete('Authorization');
  return callBare(path, { ...init, headers: all });
};
const callBare = async (path: string, init: RequestInit) => {
  const { exports } = await import('cloudflare:workers');
  return exports.default.fetch(new Request(`${ORIGIN}${path}`, init));
};

describe('signing in', () => {
  it('sets a cookie that no script reads, for this port, and serves all calls of our page', async () => {
    const { key } = await storeKey('people', ['tasks:read', 'tasks:write']);
    const header = await signIn(key);
    expect(header).toMatch(
      /^tasker_session_8787=[0-9a-f]{64}; HttpOnly; SameSite=Strict; Path=\/; Max-Age=43200$/,
    );
    const cookie = toCookie(header);
    const who = await callAs(cookie, PAGE, '/session');
    expect(await who.json()).toMatchObject({
      owner: 'people',
      scopes: ['tasks:read', 'tasks:write'],
    });
    const written = await callAs(
      cookie,
      { ...PAGE, 'Content-Type': 'application/json' },
      '/tasks',
      {
        method: 'POST',
        body: JSON.stringify({ type: 'sum', params: { a: 1, b: 2 } }),
      },
    );
    expect(written.status).toBe(202);
  });

  it('serves nobody but a page of our own', async () => {
    const { key } = await storeKey('careful', ['tasks:read']);
    const cookie = toCookie(await signIn(key));
    const status = async (headers: Record<string, string>, path = '/tasks', init = {}) =>
      (await callAs(cookie, headers, path, init)).status;
    const read = { 'X-Tasker-Session': '1' };
    expect(await status(PAGE)).toBe(200);
    expect(await status({ ...read, 'Sec-Fetch-Site': 'same-origin' })).toBe(200);
    // Without the header, from elsewhere, or from who does not say where from.
    expect(await status({ Origin: ORIGIN })).toBe(401);
    expect(await status(read)).toBe(401);
    expect(await status({ ...PAGE, Origin: 'http://localhost:3000' })).toBe(401);
    expect(await status({ ...PAGE, Origin: 'null' })).toBe(401);
    expect(await status({ ...read, 'Sec-Fetch-Site': 'same-site' })).toBe(401);
    expect(
      await status({ ...read, 'Sec-Fetch-Site': 'same-origin' }, '/session', { method: 'DELETE' }),
    ).toBe(401);
    expect(await status(PAGE, '/mcp', { method: 'POST', body: '{}' })).toBeGreaterThanOrEqual(400);
    expect(await status({ ...PAGE, Upgrade: 'websocket' }, '/events')).not.toBe(500);
  });

  it('ends by signing out, and with its key', async () => {
    const { key, id } = await storeKey('leaving', ['tasks:read']);
    const [first, second] = [toCookie(await signIn(key)), toCookie(await signIn(key))];
    const out = await callAs(first, PAGE, '/session', { method: 'DELETE' });
    expect([out.status, out.headers.get('Set-Cookie')]).toEqual([
      204,
      expect.stringMatching(/Max-Age=0/),
    ]);
    expect((await callAs(first)).status).toBe(401);
    expect((await callAs(second)).status).toBe(200);
    expect((await call(`/keys/${id}`, { method: 'DELETE' })).status).toBeLessThan(300);
    expect((await callAs(second)).status).toBe(401);
  });

  it('needs a key, sent as JSON by a caller who has it', async () => {
    const { key } = await storeKey('strict', ['tasks:read']);
    const cookie = toCookie(await signIn(key));
    const json = { 'Content-Type': 'application/json' };
    const post = { method: 'POST', body: '{}' };
    expect((await callAs(cookie, { ...PAGE, ...json }, '/session', post)).status).toBe(401);
    const form = {
      method: 'POST',
      body: 'a=1',
      headers: { ...bearer(key), 'Content-Type': 'text/plain' },
    };
    expect((await call('/session', form)).status).toBe(415);
    expect((await call('/session', { json: { key }, headers: bearer(key) })).status).toBe(422);
    const metrics = await storeKey('strict', ['metrics:read']);
    expect((await call('/session', { json: {}, headers: bearer(metrics.key) })).status).toBe(403);
  });
});
