import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { call } from '../../support/client.ts';
import { storeKey } from '../../support/keys.ts';

interface Answer {
  schedule_id: string;
  task_id: string;
  status: string;
  code: string;
  errors: { path: string; message: string }[];
  [field: string]: unknown;
}

const ask = async (
  path: string,
  method = 'GET',
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Answer }> => {
  const response = await call(path, {
    method,
    headers: { ...(body !== undefined && { 'Content-Type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: (text ? JSON.parse(text) : {}) as Answer };
};

const task = { type: 'sum', params: { a: 1, b: 2 }, title: 'Of {{scheduled_for}}' };
const nightly = { name: 'nightly', cron: '30 2 * * *', timezone: 'Europe/Berlin', task };

beforeEach(async () => {
  await env.DB.prepare('DELETE FROM schedules').run();
});

describe('a new schedule', () => {
  it('is answered as it will fire', async () => {
    const { status, body } = await ask('/schedules', 'POST', nightly);
    expect(status).toBe(201);
    expect(body).toMatchObject({
      name: 'nightly',
      status: 'active',
      words: 'At 02:30',
      overlap: 'allow',
      catch_up: 'latest',
      catch_up_window_seconds: 86_400,
      fired: 0,
      last_error: null,
      task: { ...task, priority: 'MEDIUM' },
    });
    expect(body['next']).toMatchObject({ local: expect.stringMatching(/T02:30:00\+0[12]:00$/) });
    expect((await ask('/schedules/nightly')).body.schedule_id).toBe(body.schedule_id);
  });

  it.each([
    [{ ...nightly, cron: undefined }, '', 'Give either `cron` or `every`'],
    [{ ...nightly, every: { minutes: 5 } }, '', 'Give either `cron` or `every`'],
    [{ ...nightly, cron: '61 * * * *' }, 'cron', ''],
    [{ ...nightly, cron: '0 0 30 2 *' }, 'cron', 'It never fires: there is no such day'],
    [{ ...nightly, timezone: 'Mars/Olympus' }, 'timezone', ''],
    [{ ...nightly, timezone: '+02:00' }, 'timezone', ''],
    [{ ...nightly, name: 'with space' }, 'name', ''],
    [
      { ...nightly, name: '0199b3c2-0000-7000-8000-000000000001' },
      'name',
      'A name must not look like an id',
    ],
    [
      { ...nightly, cron: undefined, every: { seconds: 0.5 } },
      'every',
      'Between a second and 366 days',
    ],
    [{ ...nightly, overlap: 'sometimes' }, 'overlap', ''],
    [{ ...nightly, name: '..' }, 'name', ''],
    [{ ...nightly, cron: 'constructor' }, 'cron', ''],
    [
      { ...nightly, task: { ...task, title: '{{scheduled_for}}'.repeat(11) } },
      'task.title',
      'It is too long once the moment is in it',
    ],
    [{ ...nightly, task: { type: 'sum', params: { a: 'x' } } }, 'task.params.a', ''],
    [{ ...nightly, task: { type: 'sun', params: {} } }, 'task.type', ''],
    [
      { ...nightly, task: { ...task, scheduled_at: '2030-01-01T00:00:00Z' } },
      'task.scheduled_at',
      '',
    ],
    [
      {
        ...nightly,
        task: {
          ...task,
          description: 'x'.repeat(5_000),
          params: { a: 1, b: 2, c: 'é'.repeat(20_000) },
        },
      },
      'task',
      '',
    ],
    [
      { ...nightly, task: { ...task, title: 'x'.repeat(190) + '{{scheduled_for}}' } },
      'task.title',
      '',
    ],
  ])('that is wrong is refused by name: %#', async (body, path, message) => {
    const answer = await ask('/schedules', 'POST', body);
    expect([answer.status, answer.body.code].join(' ')).toMatch(
      /^422 (invalid_request|unknown_type)/,
    );
    expect(answer.body.errors.map((each) => each.path)).toContain(path);
    if (message !== '') expect(answer.body.errors.map((each) => each.message)).toContain(message);
  });

  it('has a name of its own, and an owner a thousand', async () => {
    await ask('/schedules', 'POST', nightly);
    const again = await ask('/schedules', 'POST', nightly);
    expect([again.status, again.body.code]).toEqual([409, 'schedule_name_taken']);
    await env.DB.prepare(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
      INSERT INTO schedules (owner, id, name, timezone, every_ms, overlap, catch_up, catch_up_window_ms,
        created_at, updated_at, task)
      SELECT 'local', 'x' || i, 'x' || i, 'UTC', 10000, 'allow', 'latest', 1, 1, 1, '{}' FROM n`,
    ).run();
    const more = await ask('/schedules', 'POST', { ...nightly, name: 'one-more' });
    expect([more.status, more.body.code]).toEqual([409, 'too_many_schedules']);
  });
});

describe('a schedule', () => {
  it('is changed in part, paused, resumed and deleted', async () => {
    const { body } = await ask('/schedules', 'POST', nightly);
    const path = `/schedules/${body.schedule_id}`;
    const changed = await ask(path, 'PATCH', { every: { hours: 2 }, overlap: 'skip' });
    expect(changed.body).toMatchObject({
      cron: null,
      every: { hours: 2 },
      words: 'Every 2 hours',
      overlap: 'skip',
      timezone: 'Europe/Berlin',
      task: { type: 'sum' },
    });
    expect((await ask(path, 'PATCH', {})).status).toBe(422);
    expect((await ask(path, 'PATCH', { task: { type: 'sun', params: {} } })).status).toBe(422);
    expect((await ask(`${path}/pause`, 'POST')).body).toMatchObject({
      status: 'paused',
      next: null,
    });
    expect((await ask('/schedules?status=active')).body['schedules']).toEqual([]);
    expect((await ask(`${path}/resume`, 'POST')).body).toMatchObject({ status: 'active' });
    expect((await ask(path, 'DELETE')).status).toBe(204);
    expect((await ask(path)).status).toBe(404);
    expect((await ask(path, 'DELETE')).body.code).toBe('schedule_not_found');
  });

  it('is not changed while it is paused by who may not run it', async () => {
    await ask('/schedules', 'POST', nightly);
    await ask('/schedules/nightly/pause', 'POST');
    const { id, key } = await storeKey('local', ['schedules:write']);
    const headers = { Authorization: `Bearer ${key}` };
    const broken = { task: { type: 'sum', params: { a: 'x' } } };
    expect((await ask('/schedules/nightly', 'PATCH', broken, headers)).status).toBe(422);
    await ask('/schedules/nightly', 'PATCH', { overlap: 'skip' }, headers);
    expect((await ask('/schedules/nightly')).body).toMatchObject({
      status: 'paused',
      overlap: 'skip',
      created_by_key: id,
    });
  });

  it('takes no name that another one has', async () => {
    await ask('/schedules', 'POST', nightly);
    await ask('/schedules', 'POST', { ...nightly, name: 'other' });
    const { status, body } = await ask('/schedules/other', 'PATCH', { name: 'nightly' });
    expect([status, body.code]).toEqual([409, 'schedule_name_taken']);
  });

  it('says when it fires next', async () => {
    await ask('/schedules', 'POST', nightly);
    const { body } = await ask('/schedules/nightly/next?count=3');
    expect(body['words']).toBe('At 02:30');
    expect(body['next']).toHaveLength(3);
    expect((await ask('/schedules/nightly/next?count=0')).status).toBe(422);
  });

  it('is paged by name', async () => {
    for (const name of ['c', 'a', 'b']) await ask('/schedules', 'POST', { ...nightly, name });
    const first = await ask('/schedules?page_size=2');
    expect(first.body).toMatchObject({
      pagination: { next_cursor: 'b' },
      schedules: [{ name: 'a' }, { name: 'b' }],
    });
    const second = await ask('/schedules?page_size=2&cursor=b');
    expect(second.body).toMatchObject({
      pagination: { next_cursor: null },
      schedules: [{ name: 'c' }],
    });
  });
});

describe('a run by hand', () => {
  it('is a task of the schedule, once for an Idempotency-Key', async () => {
    const { body: schedule } = await ask('/schedules', 'POST', { ...nightly, overlap: 'skip' });
    const first = await ask('/schedules/nightly/trigger', 'POST', undefined, {
      'Idempotency-Key': 'k',
    });
    const again = await ask('/schedules/nightly/trigger', 'POST', undefined, {
      'Idempotency-Key': 'k',
    });
    const other = await ask('/schedules/nightly/trigger', 'POST');
    expect([first.status, again.body.task_id]).toEqual([202, first.body.task_id]);
    expect(other.body.task_id).not.toBe(first.body.task_id);
    expect(first.body).toMatchObject({
      schedule_id: schedule.schedule_id,
      scheduled_for: null,
      parent_id: null,
      title: expect.stringMatching(/^Of 20\d\d-.*Z$/),
    });
    const { body } = await ask(`/tasks?schedule_id=${schedule.schedule_id}`);
    expect(body['tasks']).toHaveLength(2);
    const none = await ask(`/tasks?parent_id=${schedule.schedule_id}`);
    expect(none.body['tasks']).toEqual([]);
    expect((await ask('/schedules/nightly')).body['recent']).toHaveLength(2);
  });

  it('may not use the names of the service', async () => {
    const { status } = await ask('/tasks', 'POST', task, { 'Idempotency-Key': 'schedule:x:1' });
    expect(status).toBe(422);
  });
});

describe('a backfill', () => {
  const range = { from: '2026-03-28T00:00:00Z', to: '2026-03-31T00:00:00Z' };

  it('tells first, makes each once, and knows the night when the clocks change', async () => {
    const { body: schedule } = await ask('/schedules', 'POST', nightly);
    const path = '/schedules/nightly/backfill';
    const dry = await ask(path, 'POST', { ...range, dry_run: true });
    const moments = [
      '2026-03-28T01:30:00.000Z',
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ];
    expect([dry.status, dry.body]).toEqual([
      200,
      { submitted: 3, existing: 0, moments: moments.map((at) => ({ at, task_id: null })) },
    ]);
    const done = await ask(path, 'POST', range);
    expect([done.status, done.body['submitted']]).toEqual([202, 3]);
    const again = await ask(path, 'POST', range);
    expect(again.body).toEqual({ ...done.body, submitted: 0, existing: 3 });
    const { body } = await ask(`/tasks?schedule_id=${schedule.schedule_id}&order=oldest`);
    expect(
      (body['tasks'] as { scheduled_for: string }[]).map((each) => each.scheduled_for),
    ).toEqual(moments);
  });

  it.each([
    [{ ...range, to: '2026-03-27T00:00:00Z' }, 'to'],
    [{ ...range, to: '2999-01-01T00:00:00Z' }, 'to'],
    [{ to: range.to }, 'from'],
  ])('of %j is refused', async (body, path) => {
    await ask('/schedules', 'POST', nightly);
    const answer = await ask('/schedules/nightly/backfill', 'POST', body);
    expect([answer.status, answer.body.errors[0]?.path]).toEqual([422, path]);
  });

  it('has a thousand moments at most', async () => {
    await ask('/schedules', 'POST', { ...nightly, cron: '* * * * *' });
    const answer = await ask('/schedules/nightly/backfill', 'POST', range);
    expect([answer.status, answer.body.errors[0]?.message]).toEqual([
      422,
      'There are more than 1000 moments in this time; take a part of it',
    ]);
  });
});

describe('a key', () => {
  const as = async (scopes: Parameters<typeof storeKey>[1]) => ({
    Authorization: `Bearer ${(await storeKey('local', scopes)).key}`,
  });

  it('with schedules:write alone creates, and does not read', async () => {
    const headers = await as(['schedules:write']);
    const { status, body } = await ask('/schedules', 'POST', nightly, headers);
    expect([status, body['task']]).toEqual([201, null]);
    const triggered = await ask('/schedules/nightly/trigger', 'POST', undefined, headers);
    expect([triggered.status, triggered.body['params']]).toEqual([202, null]);
    expect((await ask('/schedules', 'GET', undefined, headers)).status).toBe(403);
  });

  it('that is revoked pauses what it planted, if asked', async () => {
    const { id, key } = await storeKey('local', ['admin']);
    await ask('/schedules', 'POST', nightly, { Authorization: `Bearer ${key}` });
    const planted = await ask(`/keys/${id}/planted`);
    expect(planted.body).toEqual({ schedules: ['nightly'], types: [] });
    expect((await ask(`/keys/${id}?pause_planted=perhaps`, 'DELETE')).status).toBe(422);
    expect((await ask(`/keys/${id}?pause_planted=true`, 'DELETE')).status).toBe(204);
    expect((await ask('/schedules/nightly')).body.status).toBe('paused');
    expect((await ask(`/keys/${crypto.randomUUID()}/planted`)).status).toBe(404);
  });

  it('of tasks creates none', async () => {
    const headers = await as(['tasks:read', 'tasks:write']);
    expect((await ask('/schedules', 'POST', nightly, headers)).status).toBe(403);
  });
});
