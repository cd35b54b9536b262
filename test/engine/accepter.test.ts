import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { endDirectly, pickDirect, startDirectly } from '../../src/domain/direct-run.ts';
import type { Task } from '../../src/domain/task.ts';
import { createAccepter } from '../../src/engine/accepter.ts';
import { createTaskQueues } from '../../src/engine/task-queues.ts';
import { encodeDirect, encodeTask } from '../../src/store/inserts.ts';
import { createTaskStore } from '../../src/store/tasks.ts';
import { call, finished, healthOf } from '../support/client.ts';
import { breakDatabase } from '../support/database.ts';
import { keepLog, keepPublished, keepQueues, noLimits } from '../support/deps.ts';
import { aTask, rowOf } from '../support/rows.ts';

afterEach(() => vi.restoreAllMocks());

const setup = (
  ensureAlarmBy: (at: number) => Promise<void> = async () => {},
  store = createTaskStore(env.DB),
  now = Date.now,
) => {
  const { log, events } = keepLog();
  const queues = keepQueues();
  const { publish, published } = keepPublished();
  const taskQueues = createTaskQueues({ queues: queues.queues, log });
  const waits: number[] = [];
  let full = false;
  const reserved: number[] = [];
  const accepter = createAccepter({
    store,
    taskQueues,
    publish,
    admission: noLimits.admission,
    ensureAlarmBy,
    quota: { tryReserve: async (tasks) => reserved.push(tasks.length) > 0 },
    bytesQuota: { tryReserve: async () => true },
    databaseSize: { isFull: async () => full },
    noteOutage: () => {},
    now,
    wait: async (ms) => void waits.push(ms),
    log,
  });
  const accept = (tasks: readonly Task[]) =>
    accepter.accept(tasks.map((task) => ({ task, row: encodeTask(task) })));
  return {
    accept,
    acceptDirect: (task: Task, born: Task) =>
      accepter.accept([{ task, row: encodeDirect(task, born), direct: pickDirect(born) }]),
    reserved,
    events,
    published,
    waits,
    isFull: (is: boolean) => void (full = is),
    ...queues,
  };
};

const exists = async (id: string) =>
  (await createTaskStore(env.DB).getMany([{ owner: 'local', id }])).length === 1;
const submitSum = () => call('/tasks', { json: { type: 'sum', params: { a: 1, b: 1 } } });
const countRows = () => env.DB.prepare('SELECT count(*) AS n FROM tasks').first<number>('n');

describe('accepting', () => {
  it('takes nothing while the database is nearly full', async () => {
    const { accept, isFull } = setup();
    isFull(true);
    const task = aTask();
    expect(await accept([task])).toEqual(['database_full']);
    expect(await exists(task.id)).toBe(false);
    isFull(false);
    expect(await accept([task])).toEqual(['accepted']);
  });

  it('counts a task whose run is over already, for a limit may keep it', async () => {
    const { acceptDirect, reserved } = setup();
    const task = aTask();
    const started = startDirectly(task, Date.now());
    expect(await acceptDirect(task, endDirectly(started, '3', Date.now()))).toEqual(['begun']);
    expect(reserved).toEqual([1]);
  });

  it('enqueues and publishes committed tasks', async () => {
    const { accept, sent, published } = setup();
    const tasks = [
      aTask(),
      aTask({ queue: 'external-low' }),
      aTask({ scheduledAt: Date.now() + 60_000 }),
    ];
    expect(await accept(tasks)).toEqual(['accepted', 'accepted', 'accepted']);
    await vi.waitUntil(() => sent.length > 0);
    expect(sent.map(({ id, queue }) => [id, queue])).toEqual([
      [tasks[0]?.id, 'default-medium'],
      [tasks[1]?.id, 'external-low'],
    ]);
    expect(published.map(({ id }) => id)).toEqual(tasks.map(({ id }) => id));
  });

  it('sets the alarm before any row is due', async () => {
    const task = aTask();
    let wasAlarmSet: boolean | undefined;
    const { accept } = setup(async (at) => {
      wasAlarmSet = at === task.wake_at && !(await exists(task.id));
    });
    await accept([task]);
    expect(wasAlarmSet).toBe(true);
  });

  it('looks soon at a direct run, which is counted in memory alone', async () => {
    const alarms: number[] = [];
    const { acceptDirect } = setup(async (at) => void alarms.push(at));
    const task = aTask();
    const started = startDirectly(task, task.submitted_at);
    for (const born of [started, endDirectly(started, '3', task.submitted_at)])
      await acceptDirect({ ...task, id: crypto.randomUUID() }, born);
    expect(alarms).toEqual([task.submitted_at + 5_000, task.submitted_at + 5_000]);
  });

  it('accepts nothing when the alarm cannot be set', async () => {
    const task = aTask();
    const { accept } = setup(() => Promise.reject(new Error('no alarm')));
    expect(await accept([task])).toEqual(['database_unavailable']);
    expect(await exists(task.id)).toBe(false);
  });

  it('refuses the one bad row of a group and none of its neighbours', async () => {
    const { accept, sent } = setup();
    const tasks = Array.from({ length: 20 }, () => aTask());
    const bad = { ...aTask(), status: 'BOGUS' } as unknown as Task;
    const answers = await accept([...tasks.slice(0, 7), bad, ...tasks.slice(7)]);
    expect(answers.indexOf('task_rejected')).toBe(7);
    expect(answers.filter((answer) => answer === 'accepted')).toHaveLength(20);
    await vi.waitUntil(() => sent.length === 20);
  });

  it('is safe to repeat with the same ids', async () => {
    const { accept } = setup();
    const task = aTask();
    expect([await accept([task]), await accept([task])]).toEqual([['accepted'], ['accepted']]);
    expect((await rowOf(task.id)).version).toBe(1);
  });

  it('waits for more only while many come', async () => {
    const { accept, waits } = setup();
    const one = () => accept([aTask()]);
    for (let i = 0; i < 3; i += 1) await one();
    expect(waits).toEqual([]);
    // The first goes alone; those that came meanwhile are a crowd, and whatever follows a crowd is
    // waited for.
    await Promise.all(Array.from({ length: 10 }, one));
    await Promise.all(Array.from({ length: 10 }, one));
    expect(waits.length).toBeGreaterThan(0);
    expect(new Set(waits)).toEqual(new Set([0]));
    await one();
    const before = waits.length;
    await one();
    expect(waits.length).toBe(before);
  });

  it('enqueues the tasks of groups that follow each other in one message, and all of them', async () => {
    const real = createTaskStore(env.DB);
    const insertMany: typeof real.insertMany = (rows) => {
      // The next group comes while this one is written.
      if (groups < 6) next();
      return real.insertMany(rows);
    };
    // By a clock that stands still: however long the groups take.
    const { accept, sent, messages } = setup(undefined, { ...real, insertMany }, () => 0);
    let groups = 0;
    const answers: Promise<unknown>[] = [];
    const next = (): void => {
      groups += 1;
      for (let i = 0; i < 5; i += 1) answers.push(accept([aTask()]));
    };
    next();
    await vi.waitUntil(() => sent.length === 30);
    await Promise.all(answers);
    // The first came by itself: nothing showed yet that it was one of a crowd.
    expect(messages.length).toBeLessThanOrEqual(3);
  });

  it('answers the next groups while a queue takes its time, and sends everything', async () => {
    const { accept, queues, sent } = setup();
    let pending = 0;
    let most = 0;
    const release: (() => void)[] = [];
    const { sendBatch } = queues['default-medium'];
    queues['default-medium'].sendBatch = async (batch) => {
      most = Math.max(most, (pending += 1));
      await new Promise<void>((resolve) => release.push(resolve));
      pending -= 1;
      return sendBatch(batch);
    };
    for (let group = 0; group < 3; group += 1)
      expect(await accept([aTask()])).toEqual(['accepted']);
    expect(sent).toEqual([]);
    const later = Array.from({ length: 5 }, () => accept([aTask()]));
    while (sent.length < 8) {
      release.splice(0).forEach((go) => go());
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect((await Promise.all(later)).flat()).toEqual(Array.from({ length: 5 }, () => 'accepted'));
    expect(most).toBeLessThanOrEqual(3);
  });

  it('asks to come back when too many wait', async () => {
    const { accept } = setup();
    const crowd = Array.from({ length: 60 }, () =>
      accept(Array.from({ length: 100 }, () => aTask())),
    );
    const answers = (await Promise.all(crowd)).flat();
    expect(new Set(answers)).toEqual(new Set(['accepted', 'overloaded']));
    // 5 000 that wait, and the group that is being written.
    expect(answers.filter((answer) => answer === 'accepted')).toHaveLength(5_100);
  });

  it.each([
    ['the answer to the insert is lost and its repetition is refused', 'accepted'],
    ['nothing was written and the repetition is refused', 'outcome_unknown'],
  ])('tells the truth when %s', async (_, expected) => {
    const real = createTaskStore(env.DB);
    const task = aTask();
    let calls = 0;
    const insertMany: typeof real.insertMany = async (rows) => {
      calls += 1;
      if (calls === 2) throw new Error('D1_ERROR: D1 DB is overloaded.');
      if (expected === 'accepted') await real.insertMany(rows);
      throw new Error('D1_ERROR: Network connection lost.');
    };
    const { accept } = setup(undefined, { ...real, insertMany });
    expect(await accept([task])).toEqual([expected]);
    expect(await exists(task.id)).toBe(expected === 'accepted');
  });

  it.each([new Error('Too Many Requests'), 'hangs'] as const)(
    'succeeds when the queue fails (%s)',
    async (how) => {
      const { accept, breakWith, events } = setup();
      breakWith(how);
      const task = aTask();
      expect(await accept([task])).toEqual(['accepted']);
      expect(await exists(task.id)).toBe(true);
      await vi.waitUntil(() => events().includes('enqueue_failed'), { timeout: 5_000 });
    },
  );
});

describe('POST /tasks', () => {
  it('answers 503 with Retry-After and writes nothing while the database is down', async () => {
    const before = await countRows();
    const { mend } = breakDatabase('tasks.insert', 'before');
    const response = await submitSum();
    mend();
    expect(await healthOf(503)).toMatchObject({
      http: 503,
      checks: { database: 'ok', accepting: 'down' },
    });
    expect(response.status).toBe(503);
    expect(Number(response.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect(await response.json()).toMatchObject({ code: 'outcome_unknown' });
    expect(await countRows()).toBe(before);
  });

  it('says that nothing was stored when the database refused', async () => {
    const { mend } = breakDatabase('tasks.insert', 'before', {
      message: 'D1 DB is overloaded. Requests queued for too long.',
    });
    const response = await submitSum();
    mend();
    expect([response.status, (await response.json<{ code: string }>()).code]).toEqual([
      503,
      'database_unavailable',
    ]);
  });

  it('says that the database is full, and what to do', async () => {
    const { mend } = breakDatabase('tasks.insert', 'before', {
      message: 'Exceeded maximum DB size.',
    });
    const response = await submitSum();
    mend();
    expect(response.status).toBe(507);
    expect(await response.json()).toMatchObject({
      code: 'database_full',
      detail: expect.stringContaining('Delete tasks') as string,
    });
    expect((await submitSum()).status).toBe(202);
  });

  it('makes one task, and answers with it, when the answer to the commit is lost', async () => {
    const before = (await countRows()) ?? 0;
    const { mend } = breakDatabase('tasks.insert', 'after', { times: 1 });
    const response = await submitSum();
    mend();
    expect(response.status).toBe(202);
    expect(await countRows()).toBe(before + 1);
    expect(await healthOf(200)).toMatchObject({ http: 200 });
    const { task_id } = await response.json<{ task_id: string }>();
    expect((await finished(task_id)).status).toBe('COMPLETED');
  });
});
