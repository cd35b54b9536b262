import { runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClock } from '../../src/engine/clock.ts';
import { chooseDispatcher } from '../../src/engine/dispatcher.ts';
import { createTaskQueues } from '../../src/engine/task-queues.ts';
import { createFlowStore } from '../../src/store/flows.ts';
import { createSweeps } from '../../src/store/sweeps.ts';
import { createTaskStore } from '../../src/store/tasks.ts';
import { createTransitions } from '../../src/store/transitions.ts';
import { v7 as uuidv7 } from 'uuid';
import { finished } from '../support/client.ts';
import { observeDatabase } from '../support/database.ts';
import { keepLog, keepPublished, keepQueues, noLimits } from '../support/deps.ts';
import { aTask, parseAttempts, OWNER, rowOf, store } from '../support/rows.ts';

const RETENTION_MS = 86_400_000;
const NOW = 1_900_000_000_000;

/**
 * A clock over the real table whose time the test moves, with an alarm that only remembers (a
 * stand-in).
 */
const setup = () => {
  const { log, events } = keepLog();
  const queues = keepQueues();
  const { publish, published } = keepPublished();
  let time = NOW;
  let alarmAt: number | null = null;
  let usedPart = 0;
  const noted: number[] = [];
  const alarm = {
    getAlarm: async () => alarmAt,
    setAlarm: async (at: number | Date) => void (alarmAt = Number(at)),
    deleteAlarm: async () => void (alarmAt = null),
  };
  const taskQueues = createTaskQueues({ queues: queues.queues, log });
  const sweeps = createSweeps(env.DB);
  const clock = createClock({
    ...noLimits,
    expireRuns: async () => {},
    fireSchedules: async () => false,
    releaseDue: async () => false,
    releaseAfter: async () => {},
    flows: createFlowStore(env.DB),
    sweeps,
    pruneTasks: createTaskStore(env.DB).prune,
    kept: { flush: async () => false },
    computeCutoffs: (now) => ({ rules: [], otherwise: now - RETENTION_MS }),
    pruneWhenFull: true,
    databaseSize: { note: (bytes) => void noted.push(bytes), getUsedPart: () => usedPart },
    removeLeftovers: async () => {},
    orphans: { sweep: async () => false },
    taskQueues,
    sendDeliveries: async () => {},
    publish,
    alarm,
    now: () => time,
    log,
  });
  return {
    ...queues,
    clock,
    sweeps,
    published,
    events,
    alarmAt: () => alarmAt,
    noted,
    fill: (part: number) => void (usedPart = part),
    pass: (ms: number) => void (time += ms),
    strikeAt: (at: number) => {
      time = at;
      return clock.tick();
    },
  };
};

const claim = (id: string, at: number) =>
  createTransitions(env.DB).claim([{ owner: OWNER, id }], at, true);

beforeEach(() => env.DB.prepare('DELETE FROM tasks').run());

describe('the sweep', () => {
  it('sends a task again whose message was lost', async () => {
    const { strikeAt, sent } = setup();
    const task = aTask({}, NOW);
    await store(task);
    await strikeAt(NOW + 4_999);
    expect(sent).toEqual([]);
    await strikeAt(NOW + 5_000);
    expect(sent).toEqual([{ owner: OWNER, id: task.id, queue: 'default-medium' }]);
    expect(await rowOf(task.id)).toMatchObject({ status: 'PENDING', version: 1, attempt: 0 });
  });

  it('sends what is older than the oldest message of its queue, and writes nothing for what waits', async () => {
    const { strikeAt, sent, backlog, oldest } = setup();
    const old = [aTask({}, NOW), aTask({ queue: 'default-low' }, NOW)];
    const waiting = Array.from({ length: 10 }, () => aTask({}, NOW + 3_000));
    await store(...old, ...waiting);
    for (const queue of ['default-medium', 'default-low']) backlog.set(queue, 7);
    oldest.set('default-medium', new Date(NOW + 5_500));
    oldest.set('default-low', new Date(NOW - 1_000));
    const { asked, stop } = observeDatabase();
    await strikeAt(NOW + 20_000);
    stop();
    expect(sent.map(({ id }) => id)).toEqual([old[0]?.id]);
    expect(asked.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0)).toBe(2);
  });

  it('waits for ten minutes behind a backlog of 50 000 without a write', async () => {
    const { strikeAt, sent, backlog, oldest, alarmAt } = setup();
    await store(aTask({ id: 'seed' }, NOW));
    const { results } = await env.DB.prepare('PRAGMA table_info(tasks)').all<{ name: string }>();
    const columns = results.map(({ name }) => name);
    const values = columns.map((name) => (name === 'id' ? `printf('t%06d', i)` : name));
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 49999)
       INSERT INTO tasks (${columns.join(', ')}) SELECT ${values.join(', ')} FROM n, tasks WHERE id = 'seed'`,
    ).run();
    backlog.set('default-medium', 500);
    const { asked, stop } = observeDatabase();
    let ticks = 0;
    for (let at = NOW; at < NOW + 600_000; ticks += 1) {
      // It moves: others are ahead.
      oldest.set('default-medium', new Date(NOW - 60_000 + ticks));
      await strikeAt(at);
      at = alarmAt() ?? Infinity;
    }
    stop();
    const [written, read] = [
      asked.reduce((sum, each) => sum + each.rowsWritten, 0),
      asked.reduce((sum, each) => sum + each.rowsRead, 0),
    ];
    console.log(
      `ten minutes behind a backlog: ${ticks} ticks, ${written} rows written, ${read} read`,
    );
    expect([written, sent.length]).toEqual([0, 0]);
    expect(read / ticks).toBeLessThan(60);
  });

  it.each([
    ['stands still', (_since: number) => new Date(NOW - 60_000), 5],
    ['does not tell its age', () => undefined, 5],
    ['does not answer', () => undefined, Infinity],
  ])('looks at what waits once a queue %s for ten minutes', async (_, oldestOf, messages) => {
    const { strikeAt, sent, backlog, oldest } = setup();
    const task = aTask({}, NOW);
    await store(task);
    backlog.set('default-medium', messages);
    const mark = oldestOf(NOW);
    if (mark) oldest.set('default-medium', mark);
    await strikeAt(NOW + 5_000);
    await strikeAt(NOW + 604_999);
    expect(sent).toEqual([]);
    await strikeAt(NOW + 605_000);
    expect(sent.map(({ id }) => id)).toEqual([task.id]);
    // And then not at once again.
    await strikeAt(NOW + 610_000);
    expect(sent).toHaveLength(1);
  });

  it('holds a task by its lease that runs for longer than a message takes', async () => {
    const { strikeAt, sent } = setup();
    const task = aTask({ timeoutMs: 30_000 }, NOW);
    await store(task);
    await claim(task.id, NOW + 1_000);
    await strikeAt(NOW + 5_000);
    expect(await rowOf(task.id)).toMatchObject({
      status: 'IN_PROGRESS',
      held: 'lease',
      wake_at: NOW + 41_000,
      version: 2,
    });
    await strikeAt(NOW + 40_999);
    expect(sent).toEqual([]);
    await strikeAt(NOW + 41_000);
    expect(await rowOf(task.id)).toMatchObject({ status: 'PENDING', rescues: 1, held: null });
  });

  it('enqueues a scheduled task when its time has come, and publishes it', async () => {
    const { strikeAt, sent, published } = setup();
    const task = aTask({ scheduledAt: NOW + 60_000 }, NOW);
    await store(task);
    await strikeAt(NOW + 59_999);
    expect(sent).toEqual([]);
    await strikeAt(NOW + 60_000);
    expect(sent).toHaveLength(1);
    expect(published).toMatchObject([{ id: task.id, status: 'PENDING', version: 2 }]);
  });

  it('takes an expired lease back, sends the task to run isolated, and gives up after three times', async () => {
    const { strikeAt, sent, published } = setup();
    const task = aTask({}, NOW);
    await store(task);
    for (let rescue = 1; rescue <= 3; rescue += 1) {
      await claim(task.id, NOW + rescue * 100_000);
      await strikeAt(NOW + rescue * 100_000 + 15_000);
      expect(await rowOf(task.id)).toMatchObject({
        status: 'PENDING',
        attempt: rescue,
        rescues: rescue,
      });
      expect(sent.at(-1)).toEqual({
        owner: OWNER,
        id: task.id,
        isolated: true,
        queue: 'default-medium',
      });
    }
    await claim(task.id, NOW + 400_000);
    await strikeAt(NOW + 415_000);
    const row = await rowOf(task.id);
    expect(row).toMatchObject({ status: 'FAILED', attempt: 4, rescues: 3, wake_at: null });
    expect(parseAttempts(row).map(({ outcome, error }) => [outcome, error?.code])).toEqual([
      ['rescued', 'lease_expired'],
      ['rescued', 'lease_expired'],
      ['rescued', 'lease_expired'],
      ['failed', 'lost'],
    ]);
    expect(published.at(-1)).toMatchObject({ status: 'FAILED' });
  });

  it('works off more than one sweep can hold', async () => {
    const { strikeAt, sent, alarmAt } = setup();
    const crowd = Array.from({ length: 700 }, () => aTask({}, NOW));
    for (let i = 0; i < crowd.length; i += 100) await store(...crowd.slice(i, i + 100));
    await strikeAt(NOW + 5_000);
    expect(alarmAt()).toBe(NOW + 5_000);
    await strikeAt(NOW + 5_000);
    expect(new Set(sent.map(({ id }) => id)).size).toBe(700);
  });

  it('survives a database that fails, and comes back in five seconds', async () => {
    const { strikeAt, sweeps, events, alarmAt } = setup();
    sweeps.readNextWake = () => Promise.reject(new Error('D1_ERROR: Network connection lost.'));
    await strikeAt(NOW);
    expect(events()).toContain('sweep_failed');
    expect(alarmAt()).toBe(NOW + 5_000);
  });
});

describe('a paused queue', () => {
  afterEach(() => env.DB.prepare('DELETE FROM queues').run());

  const pause = () =>
    env.DB.prepare("INSERT INTO queues (name, paused_at) VALUES ('default-medium', 1)").run();
  const resume = () => env.DB.prepare('DELETE FROM queues').run();

  it('is parked with one statement, costs nothing while it waits, and is sent when it is resumed', async () => {
    const { strikeAt, sent, alarmAt } = setup();
    await pause();
    const tasks = [aTask({}, NOW), aTask({}, NOW)];
    await store(...tasks, aTask({ queue: 'default-high' }, NOW));
    expect(await claim(tasks[0]?.id ?? '', NOW)).toEqual([]);
    await strikeAt(NOW + 5_000);
    expect(sent.map(({ queue }) => queue)).toEqual(['default-high']);
    await env.DB.prepare("DELETE FROM tasks WHERE queue = 'default-high'").run();
    const { asked, stop } = observeDatabase();
    await strikeAt(NOW + 3_600_000);
    stop();
    expect(asked.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0)).toBe(0);
    expect(alarmAt()).toBe(NOW + 3_660_000);
    await resume();
    await strikeAt(NOW + 3_660_000);
    expect(
      sent
        .slice(1)
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(tasks.map(({ id }) => id).toSorted());
  });

  it('makes a sweep read no more with 20 000 parked tasks than with 20', async () => {
    const { strikeAt } = setup();
    await pause();
    const park = async (count: number) => {
      const tasks = Array.from({ length: count }, () => ({ ...aTask({}, NOW), wake_at: null }));
      for (let i = 0; i < count; i += 100) await store(...tasks.slice(i, i + 100));
    };
    const rowsRead = async () => {
      const { asked, stop } = observeDatabase();
      await strikeAt(NOW + 10_000);
      stop();
      return asked.reduce((sum, each) => sum + each.rowsRead, 0);
    };
    await park(20);
    const few = await rowsRead();
    await park(19_980);
    const many = await rowsRead();
    console.log(`rows read by a sweep: ${few} with 20 parked tasks, ${many} with 20 000`);
    expect(many).toBeLessThanOrEqual(few);
    await resume();
  });
});

describe('retention', () => {
  it('deletes what ended long enough ago, of every owner, and nothing else', async () => {
    const { strikeAt } = setup();
    const ended = (owner: string, submitted: number, completed: number) => ({
      ...aTask({ owner, id: uuidv7({ msecs: submitted }) }, submitted),
      status: 'CANCELLED' as const,
      wake_at: null,
      completed_at: completed,
    });
    const old = [
      ended('a', NOW - 3 * RETENTION_MS, NOW - 2 * RETENTION_MS),
      ended('b', NOW - 3 * RETENTION_MS, NOW - RETENTION_MS - 1),
    ];
    const kept = [
      ended('a', NOW - 3 * RETENTION_MS, NOW - 1_000),
      ended('b', NOW - 2_000, NOW - 1_000),
    ];
    const waiting = {
      ...aTask({ id: uuidv7({ msecs: NOW - 3 * RETENTION_MS }), scheduledAt: NOW + 1_000 }, NOW),
    };
    await store(
      waiting,
      ...[...old, ...kept].map((task) => ({
        ...task,
        status: 'PENDING' as const,
        wake_at: NOW + 9_999_999,
        completed_at: null,
      })),
    );
    for (const { id, completed_at } of [...old, ...kept]) {
      await env.DB.prepare(
        "UPDATE tasks SET status = 'CANCELLED', wake_at = NULL, completed_at = ? WHERE id = ?",
      )
        .bind(completed_at, id)
        .run();
    }
    await strikeAt(NOW);
    const left = await env.DB.prepare('SELECT id FROM tasks ORDER BY id').all<{ id: string }>();
    expect(left.results.map(({ id }) => id)).toEqual(
      [...kept, waiting].map(({ id }) => id).toSorted(),
    );
  });

  it('reads nothing that is not old', async () => {
    const { strikeAt } = setup();
    const crowd = Array.from({ length: 500 }, () => aTask({ scheduledAt: NOW + 9_999_999 }, NOW));
    for (let i = 0; i < 500; i += 100) await store(...crowd.slice(i, i + 100));
    const { asked, stop } = observeDatabase();
    await strikeAt(NOW);
    stop();
    const prune = asked.find(({ name }) => name === 'tasks.prune');
    expect(prune?.rowsRead).toBeLessThan(20);
  });
});

describe('the alarm', () => {
  it('is only ever moved earlier', async () => {
    const { clock, alarmAt } = setup();
    await clock.ensureAlarmBy(NOW + 50);
    await clock.ensureAlarmBy(NOW + 90);
    expect(alarmAt()).toBe(NOW + 50);
    await Promise.all([
      clock.ensureAlarmBy(NOW + 40),
      clock.ensureAlarmBy(NOW + 10),
      clock.ensureAlarmBy(NOW + 30),
    ]);
    expect(alarmAt()).toBe(NOW + 10);
  });

  it('sleeps when nothing is owed', async () => {
    const { strikeAt, alarmAt } = setup();
    await strikeAt(NOW);
    expect(alarmAt()).toBeNull();
  });

  it('is set exactly for a time that is far ahead, and within a minute while anything is live', async () => {
    const { strikeAt, alarmAt } = setup();
    await store(aTask({ scheduledAt: NOW + 7_200_000 }, NOW));
    await strikeAt(NOW);
    expect(alarmAt()).toBe(NOW + 7_200_000);
    const task = aTask({}, NOW);
    await store(task);
    await claim(task.id, NOW);
    const verdict = {
      transition: 'reschedule',
      error: { code: 'x', message: 'y' },
      delayMs: 3_600_000,
    } as const;
    await createTransitions(env.DB).record([{ task: await rowOf(task.id), verdict }], NOW);
    await strikeAt(NOW + 1);
    expect(alarmAt()).toBe(NOW + 3_600_000);
    await store(aTask({ scheduledAt: NOW + 1 }, NOW));
    await strikeAt(NOW + 1);
    expect(alarmAt()).toBeLessThanOrEqual(NOW + 60_001);
  });

  it('strikes for what is late once a second at most, and for what was scheduled on time', async () => {
    const { strikeAt, alarmAt } = setup();
    await store(aTask({}, NOW));
    // Late in 100 ms: it can wait for others.
    await strikeAt(NOW + 4_900);
    expect(alarmAt()).toBe(NOW + 5_900);
    await store(aTask({ scheduledAt: NOW + 5_050 }, NOW));
    await strikeAt(NOW + 4_950);
    expect(alarmAt()).toBe(NOW + 5_050);
  });

  it('is not put off by a sweep that was overtaken by an accept', async () => {
    const { clock, sweeps, strikeAt, alarmAt } = setup();
    const { readNextWake } = sweeps;
    sweeps.readNextWake = async () => {
      const next = await readNextWake();
      await clock.ensureAlarmBy(NOW + 5_000);
      return next;
    };
    await strikeAt(NOW);
    expect(alarmAt()).toBe(NOW + 5_000);
  });

  it('is kept for a row that is still being written when the sweep finds nothing', async () => {
    const { clock, strikeAt, alarmAt, sent } = setup();
    const task = aTask({}, NOW);
    await clock.ensureAlarmBy(NOW + 5_000);
    await strikeAt(NOW + 1_000);
    await store(task);
    expect(alarmAt()).toBeLessThanOrEqual(NOW + 61_000);
    await strikeAt(alarmAt() ?? 0);
    expect(sent.map(({ id }) => id)).toEqual([task.id]);
  });

  it('that is overdue is not postponed by a call that needs it much later', async () => {
    const { clock, pass, alarmAt } = setup();
    await clock.ensureAlarmBy(NOW + 5_000);
    pass(6_000);
    await clock.ensureAlarmBy(NOW + 7_200_000);
    expect(alarmAt()).toBeLessThanOrEqual(NOW + 6_000);
  });

  it('brings a lost task back by itself, in the real object', async () => {
    const task = aTask({}, Date.now() - 60_000);
    await store(task);
    const dispatcher = env.DISPATCHER.getByName(chooseDispatcher());
    await dispatcher.ensureAlarmBy(Date.now() + 3_600_000);
    await runDurableObjectAlarm(dispatcher);
    expect(await finished(task.id)).toMatchObject({ status: 'COMPLETED', attempt: 1 });
  });
});
