import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TaskView } from '../../src/domain/view.ts';
import { call, finished, submit } from '../support/client.ts';

interface Problem {
  status: number;
  code: string;
  detail: string;
  errors?: { path: string; message: string }[];
}
const problemOf = async (response: Response): Promise<Problem> => response.json();

const JSON_TYPE = { 'Content-Type': 'application/json' };
const postText = (path: string, body: string, headers: Record<string, string> = {}) =>
  call(path, { method: 'POST', body, headers: { ...JSON_TYPE, ...headers } });

/** Every way in that carries a caller's JSON, with a place for one value of its own. */
const WAYS: [string, (value: string) => [path: string, body: string], at: string][] = [
  [
    'native',
    (v) => ['/tasks', `{"type":"data_processing","params":{"data":[{"n":${v}}]}}`],
    'params.data.0.n',
  ],
  [
    'bulk',
    (v) => ['/tasks/bulk', `{"tasks":[{"type":"data_processing","params":{"data":{"n":${v}}}}]}`],
    'tasks.0.params.data.n',
  ],
  [
    '/run-task',
    (v) => ['/run-task', `{"task_name":"data_processing","task_parameters":{"data":[${v}]}}`],
    'task_parameters.data.0',
  ],
  [
    '/api/tasks',
    (v) => ['/api/tasks', `{"task_type":"data_processing","parameters":{"data":{"a":{"b":${v}}}}}`],
    'parameters.data.a.b',
  ],
];

describe.each(WAYS)('%s', (_name, toRequest, at) => {
  it.each([
    '1e400',
    '-1e999',
    '9007199254740993',
    '-9007199254740993',
    '1e-400',
    '0.12345678901234567890',
  ])('refuses %s, and says where it is', async (number) => {
    const [path, body] = toRequest(number);
    const response = await postText(path, body, { 'Idempotency-Key': crypto.randomUUID() });
    expect(response.status).toBe(422);
    const { code, errors } = await problemOf(response);
    expect([code, errors?.[0]?.path]).toEqual(['invalid_request', at]);
    expect(errors?.[0]?.message).toContain(number.slice(0, 10));
  });

  it.each(['9007199254740992', '1e22', '-0', '1.50', '"a\\ud83d"', '{"\\ud800":"\\udfff"}'])(
    'takes %s with a key as without',
    async (value) => {
      const [path, body] = toRequest(value);
      for (const headers of [{}, { 'Idempotency-Key': crypto.randomUUID() }])
        expect((await postText(path, body, headers)).status).toBe(202);
    },
  );
});

it.each(['title', 'description', 'tags'])(
  'makes a broken text in %s well-formed, with a key too, and a replay finds it',
  async (field) => {
    const value = field === 'tags' ? '["a\\ud83d"]' : '"a\\ud83d"';
    const body = `{"type":"sum","params":{"a":1,"b":2},"${field}":${value}}`;
    const key = { 'Idempotency-Key': crypto.randomUUID() };
    const first = await postText('/tasks', body, key);
    expect(first.status).toBe(202);
    const task = await first.json<TaskView>();
    expect(JSON.stringify(task[field as 'title'])).toContain('a�');
    const again = await postText('/tasks', body, key);
    expect((await again.json<TaskView>()).task_id).toBe(task.task_id);
  },
);

it('takes null for what is left out, for the key of a replay too', async () => {
  const key = { 'Idempotency-Key': crypto.randomUUID() };
  const post = async (more: object): Promise<string> => {
    const json = { type: 'sum', params: { a: 1, b: 2 }, ...more };
    const response = await call('/tasks', { json, headers: key });
    return (await response.json<TaskView>()).task_id;
  };
  const id = await post({});
  for (const more of [
    { title: null },
    { description: null, callback_url: null },
    { title: ' \u3000', description: '' },
    { tags: [], priority: 'normal' },
  ])
    expect(await post(more)).toBe(id);
});

it.each(['', ' ', '\u200b', '\u3000\u2003', '\n\t'])(
  'a title of %j counts as none',
  async (title) => {
    const task = await submit('sum', { a: 1, b: 2 }, { title, description: title });
    expect([task.title, task.description]).toEqual([null, null]);
    const edited = await call(`/tasks/${task.task_id}`, { method: 'PATCH', json: { title } });
    expect((await edited.json<TaskView>()).title).toBeNull();
    for (const json of [{ title }, { task_name: title, duration: 0 }])
      expect((await call('/tasks', { json })).status).toBe(422);
    const tagged = { type: 'sum', params: { a: 1, b: 2 }, tags: ['a', title] };
    expect((await call('/tasks', { json: tagged })).status).toBe(422);
  },
);

describe('a filter that says nothing', () => {
  const blanks = ['', ' ', '\u3000', '\u200b', '\t\u00a0'];
  const NAMES = [
    'tag',
    'type',
    'status',
    'priority',
    'queue',
    'id',
    'q',
    'error',
    'params.a',
    'submitted_before',
  ];

  it.each(NAMES)('is refused as %s, in the list and in an action', async (name) => {
    for (const blank of blanks) {
      const query = new URLSearchParams({ [name]: blank });
      expect((await call(`/tasks?${query.toString()}`)).status).toBe(422);
      for (const value of name.includes('.') ? [blank] : [blank, [], [blank]]) {
        const json = { action: 'delete', filter: { [name]: value } };
        const response = await call('/tasks/actions', { json });
        expect([name, value, response.status]).toEqual([name, value, 422]);
      }
    }
  });

  it('is refused beside filters that say something', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('tag', 'type', 'q', 'error', 'params.x'),
        fc.stringMatching(/^[\s\u200b\u2800\u3164\u00ad]{0,5}$/),
        async (name, blank) => {
          const filter = { status: ['FAILED'], [name]: blank };
          const response = await call('/tasks/actions', { json: { action: 'delete', filter } });
          expect(response.status).toBe(422);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('deletes nothing', async () => {
    const { task_id } = await submit('sum', { a: 1, b: 2 });
    await finished(task_id);
    await call('/tasks/actions', { json: { action: 'delete', filter: { tag: [] } } });
    expect((await call(`/tasks/${task_id}`)).status).toBe(200);
  });
});

describe('HEAD', () => {
  it.each([
    '/events',
    '/tasks',
    '/files',
    '/keys',
    '/queues',
    '/stats',
    '/errors',
    '/metrics',
    '/api/tasks',
  ])('of %s answers without its cost', async (path) => {
    const response = await call(path, {
      method: 'HEAD',
      headers: { Accept: 'text/event-stream' },
    });
    expect([response.status, await response.text()]).toEqual([200, '']);
  });

  it('of a stream knows which tasks there are', async () => {
    const { task_id } = await submit('sum', { a: 1, b: 2 });
    const head = (id: string) => call(`/tasks/${id}/events`, { method: 'HEAD' });
    expect((await head(task_id)).status).toBe(200);
    expect((await head(crypto.randomUUID())).status).toBe(404);
  });
});

it('speaks in sentences', async () => {
  const detailOf = async (json: object): Promise<string> =>
    (await problemOf(await call('/tasks', { json }))).detail;
  expect(await detailOf({ type: 'sum', params: { b: 1 } })).toBe('`a` is missing');
  expect(await detailOf({ type: 'simulate', params: { duration: 601 } })).toBe(
    '`duration` is at most 600',
  );
  expect(await detailOf({ type: 'sumn' })).toContain(
    'There is no type `sumn`; did you mean `sum`?',
  );
  expect(await detailOf({ type: 'sum', params: { a: 'x', b: 1 } })).toBe('`a` must be a number');
  expect(await detailOf({ type: 'sum', params: { a: 1, b: 1 }, x: 1 })).toBe(
    'There is no field `x`',
  );
  expect(await problemOf(await call('/tasks?status=NEW&status=OLD'))).toMatchObject({
    detail: expect.stringContaining('`status` must be one of `NEW`') as string,
    errors: [{ path: 'status' }],
  });
});

it('tells curl how to send JSON', async () => {
  const response = await call('/tasks', {
    method: 'POST',
    body: '{"type":"sum"}',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  });
  expect(response.status).toBe(415);
  expect((await problemOf(response)).detail).toContain('curl --json');
});

it('keeps a refusal short, however much is wrong', async () => {
  const many = Object.fromEntries(
    Array.from({ length: 5_000 }, (_, i) => [`surplus${'x'.repeat(20)}${i}`, i]),
  );
  const numbers = `{"type":"data_processing","params":{"data":[${'1e999,'.repeat(30_000)}1]}}`;
  const long = { type: 'x'.repeat(90), params: { ['y'.repeat(100_000)]: 1 } };
  const bulk = { tasks: Array.from({ length: 1_000 }, () => ({ type: 'sum', params: many })) };
  for (const body of [
    JSON.stringify({ type: 'sum', params: many }),
    numbers,
    JSON.stringify(long),
    JSON.stringify({ ...bulk, tasks: bulk.tasks.slice(0, 5) }),
  ]) {
    const response = await postText(body.startsWith('{"tasks"') ? '/tasks/bulk' : '/tasks', body);
    expect(response.status).toBe(422);
    expect((await response.text()).length).toBeLessThan(100_000);
  }
});

it('waits as long as it may, whatever number was asked for', async () => {
  const json = { type: 'sum', params: { a: 1, b: 2 } };
  for (const digits of ['30', '9'.repeat(40)]) {
    const response = await call('/tasks', { json, headers: { Prefer: `wait=${digits}` } });
    expect(response.headers.get('Preference-Applied')).toBe('wait=25');
  }
});

it.each(['/session', '/keys', '/queues', '/task-types'])('%s takes no parameter', async (path) => {
  expect((await call(`${path}?type=sum`)).status).toBe(422);
  expect((await call(path)).status).toBe(200);
});

it('takes a time in small letters wherever it takes one', async () => {
  expect((await call('/tasks?submitted_after=2024-01-01t00:00:00z')).status).toBe(200);
  expect((await call('/tasks?submitted_before=2024-01-01')).status).toBe(200);
  expect((await call('/tasks?submitted_before=2024-13-01t00:00:00z')).status).toBe(422);
});

it('does not round in silence', async () => {
  const add = async (a: number, b: number) =>
    finished((await submit('sum', { a, b })).task_id).then(({ error, result }) => [error, result]);
  expect(await add(9_007_199_254_740_991, 2)).toMatchObject([{ code: 'out_of_range' }, null]);
  expect(await add(9_007_199_254_740_991, 1)).toMatchObject([
    null,
    { result: 9_007_199_254_740_992 },
  ]);
  expect(await add(0.1, 0.2)).toMatchObject([null, { result: 0.1 + 0.2 }]);
});

it('drops no name of a filter, whatever it is', async () => {
  const body = '{"action":"cancel","filter":{"status":["FAILED"],"__proto__":{"tag":["x"]}}}';
  const headers = { 'Content-Type': 'application/json' };
  expect((await call('/tasks/actions', { method: 'POST', body, headers })).status).toBe(422);
});
