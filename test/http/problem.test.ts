import { createExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { builtInHandlers } from '../../src/handlers/catalog.ts';
import { call, healthOf } from '../support/client.ts';
import { breakDatabase } from '../support/database.ts';

afterEach(() => vi.restoreAllMocks());

interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  request_id: string;
  code: string;
  errors?: { in: string; path: string; code: string; message: string }[];
}

/**
 * A refusal as the contract promises it: problem details, its own request id, nothing of our
 * insides.
 */
const refused = async (response: Response): Promise<Problem> => {
  expect(response.headers.get('Content-Type')).toBe('application/problem+json');
  const text = await response.text();
  expect(text).not.toMatch(/<html|\n\s+at |\.ts:\d|node_modules|D1_ERROR|SQLITE/i);
  const problem = JSON.parse(text) as Problem;
  expect(problem).toMatchObject({
    status: response.status,
    request_id: response.headers.get('X-Request-Id'),
    title: expect.any(String),
    detail: expect.any(String),
  });
  return problem;
};

const JSON_TYPE = { 'Content-Type': 'application/json' };
const post = (body: BodyInit | null, headers: HeadersInit = JSON_TYPE, path = '/tasks') =>
  call(path, { method: 'POST', body, headers });
const submit = (json: unknown) => call('/tasks', { json });
const codeOf = async (response: Response) => [response.status, (await refused(response)).code];

describe('a body that is not JSON', () => {
  it.each(['{"type":', '', '   ', 'type=sum', '{"a":1}{"b":2}', "{'type':'sum'}"])(
    '400: %j',
    async (body) => {
      expect(await codeOf(await post(body))).toEqual([400, 'malformed_json']);
    },
  );

  it('400: bytes that are not UTF-8', async () => {
    expect(await codeOf(await post(new Uint8Array([0x7b, 0xff, 0x7d])))).toEqual([
      400,
      'malformed_json',
    ]);
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/jsonp',
    'multipart/form-data; boundary=x',
  ])('415: %s', async (type) => {
    expect(await codeOf(await post('{}', { 'Content-Type': type }))).toEqual([
      415,
      'unsupported_media_type',
    ]);
  });

  it('is taken with any JSON content type, or with none', async () => {
    const body = new TextEncoder().encode('{"type":"sum","params":{"a":1,"b":2}}');
    for (const headers of [
      {},
      { 'Content-Type': 'application/json; charset=utf-8' },
      { 'Content-Type': 'application/vnd.api+json' },
    ]) {
      expect((await post(body, headers)).status).toBe(202);
    }
  });
});

describe('a body that is too much', () => {
  it.each([
    ['256 KB', 256 * 1_024, '/schedules/preview'],
    ['10 MB for the submit of one task', 10 * 1_024 * 1_024 + 65_536, '/tasks'],
  ])('413: over %s, with and without a Content-Length', async (_, bytes, path) => {
    const large = JSON.stringify({ type: 'sum', params: { a: 'x'.repeat(bytes) } });
    expect(await codeOf(await post(large, JSON_TYPE, path))).toEqual([413, 'body_too_large']);
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    void writer.write(new TextEncoder().encode(large)).catch(() => {});
    expect(await codeOf(await post(readable, JSON_TYPE, path))).toEqual([413, 'body_too_large']);
  });

  it('413: nested deeper than 64', async () => {
    expect(await codeOf(await post('['.repeat(100_000)))).toEqual([413, 'body_too_deep']);
    const nested = (levels: number) =>
      `{"type":"sum","params":{"a":${'['.repeat(levels - 2)}${']'.repeat(levels - 2)},"b":1}}`;
    expect((await refused(await post(nested(65)))).code).toBe('body_too_deep');
    expect((await refused(await post(nested(64)))).code).toBe('invalid_request');
  });
});

describe('a body that is invalid', () => {
  it.each([
    [{ type: 'sum', params: { a: '5', b: 3 } }, [['params.a', 'invalid_type']]],
    [{ type: 'sum', params: { a: 5 } }, [['params.b', 'invalid_type']]],
    [{ type: 'sum', params: { a: 5, b: 3, c: 1 } }, [['params.c', 'unknown_field']]],
    [{ type: 'sum', params: [1, 2] }, [['params', 'custom']]],
    [
      { type: 'sum', params: {}, colour: 'red', size: 1 },
      [
        ['colour', 'unknown_field'],
        ['size', 'unknown_field'],
        ['params.a', 'invalid_type'],
        ['params.b', 'invalid_type'],
      ],
    ],
    [{ type: 7 }, [['type', 'invalid_type']]],
    [{}, [['type', 'invalid_type']]],
    [[], [['', 'invalid_type']]],
    [null, [['', 'invalid_type']]],
    [{ type: 'sum', priority: 'urgent', params: { a: 1, b: 1 } }, [['priority', 'invalid_value']]],
    [{ type: 'sum', title: 'x'.repeat(201), params: { a: 1, b: 1 } }, [['title', 'too_big']]],
    [
      { type: 'sum', tags: Array.from({ length: 11 }, () => 't'), params: { a: 1, b: 1 } },
      [['tags', 'too_big']],
    ],
    [{ task_name: 'test', duration: 601 }, [['duration', 'too_big']]],
    [{ task_name: 'test', seconds: 1 }, [['seconds', 'unknown_field']]],
    [{ title: 'x', priority: 3 }, [['priority', 'invalid_value']]],
  ])('422, each field named: %j', async (body, expected) => {
    const response = await submit(body);
    expect(response.status).toBe(422);
    const { errors = [] } = await refused(response);
    expect(errors.map(({ path, code }) => [path, code])).toEqual(expected);
    expect(errors.every((error) => error.in === 'body' && error.message.length > 0)).toBe(true);
  });

  it('takes prototype keys for what they are: unknown fields', async () => {
    const { errors } = await refused(
      await post('{"type":"sum","params":{"a":1,"b":2,"__proto__":{"x":1},"constructor":1}}'),
    );
    expect(errors?.map(({ path }) => path).toSorted()).toEqual([
      'params.__proto__',
      'params.constructor',
    ]);
  });

  it('422 for an unknown type, with those that are known', async () => {
    for (const type of ['nonsense', 'SUM', '__proto__', 'toString']) {
      const response = await submit({ type });
      const problem = await refused(response);
      expect([response.status, problem.code, problem.errors?.[0]?.path]).toEqual([
        422,
        'unknown_type',
        'type',
      ]);
      for (const handler of builtInHandlers) expect(problem.detail).toContain(handler.type);
    }
  });
});

describe('what is not there', () => {
  it.each([
    '/tasks/0199b3c2-0000-7000-8000-000000000000',
    '/tasks/nonsense',
    '/tasks/0199b3c2-0000-7000-8000-000000000000/status',
    '/tasks/x%00y/status',
  ])('404: %s', async (path) => {
    expect(await codeOf(await call(path))).toEqual([404, 'task_not_found']);
  });

  it('404 for an unknown route', async () => {
    expect(await codeOf(await call('/nowhere'))).toEqual([404, 'route_not_found']);
  });
});

describe('a method that a path does not take', () => {
  it.each([
    ['DELETE', '/tasks', 'GET, HEAD, OPTIONS, POST'],
    ['PUT', '/tasks/', 'GET, HEAD, OPTIONS, POST'],
    ['GET', '/run-task', 'OPTIONS, POST'],
    ['POST', '/tasks/0199b3c2-0000-7000-8000-000000000000/status', 'GET, HEAD, OPTIONS'],
    ['POST', '/health', 'GET, HEAD, OPTIONS'],
  ])('405 with Allow: %s %s', async (method, path, allow) => {
    const response = await call(path, { method });
    expect(response.headers.get('Allow')?.split(', ').toSorted().join(', ')).toBe(allow);
    expect(await codeOf(response)).toEqual([405, 'method_not_allowed']);
  });
});

describe('wrong settings', () => {
  it('are a 503 that names them, not their values', async () => {
    const { default: worker } = await import('../../src/index.ts');
    const wrong = {
      ...env,
      LOG_LEVEL: 'a secret put in the wrong place',
      UPSTASH_REDIS_REST_URL: 'http://x',
    } as unknown as Env;
    const response = await worker.fetch(
      new Request('http://localhost/health'),
      wrong,
      createExecutionContext(),
    );
    const { code, detail } = await response.json<Problem>();
    expect([response.status, code]).toEqual([503, 'misconfigured']);
    expect(detail).toContain('LOG_LEVEL');
    expect(detail).not.toContain('secret put');
  });
});

describe('a query that is invalid', () => {
  it.each([
    '?page=0',
    '?page=x',
    '?page_size=101',
    '?status=DONE',
    '?colour=red',
    '?cursor=1',
    '?page=1&cursor=0199b3c2-0000-7000-8000-000000000000',
    '?page=1&page=2',
  ])('422: %s', async (query) => {
    const problem = await refused(await call(`/tasks${query}`));
    expect([problem.status, problem.errors?.[0]?.in]).toEqual([422, 'query']);
  });
});

describe('a database that is down', () => {
  it('503 with Retry-After for every read, and /health says so', async () => {
    const { mend } = breakDatabase(null, 'before');
    for (const path of [
      '/tasks',
      '/tasks/0199b3c2-0000-7000-8000-000000000000',
      '/tasks/0199b3c2-0000-7000-8000-000000000000/status',
      '/get-task-output?task_uuid=0199b3c2-0000-7000-8000-000000000000',
    ]) {
      const response = await call(path);
      expect(Number(response.headers.get('Retry-After'))).toBeGreaterThan(0);
      expect(await codeOf(response)).toEqual([503, 'database_unavailable']);
    }
    const health = await healthOf(503);
    mend();
    expect(health).toMatchObject({
      http: 503,
      status: 'down',
      checks: { database: 'down', queues: 'ok' },
    });
    // The files to come share its memory.
    expect(await healthOf(200)).toMatchObject({ status: 'ok' });
  });
});

describe('a request id', () => {
  it("is the caller's when it is one, and ours otherwise", async () => {
    const idOf = async (id: string) =>
      (await call('/health', { headers: { 'X-Request-Id': id } })).headers.get('X-Request-Id');
    expect(await idOf('order-7.retry:1')).toBe('order-7.retry:1');
    for (const insane of ['two words', 'x'.repeat(101), '<script>'])
      expect(await idOf(insane)).toMatch(/^[0-9a-f-]{36}$/);
  });
});
