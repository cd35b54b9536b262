import { RESEND_AFTER_MS } from '../../src/domain/new-task.ts';
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { type TaskMessage, type Task } from '../../src/domain/task.ts';
import { createBatchRunner } from '../../src/engine/batch-runner.ts';
import { createClock } from '../../src/engine/clock.ts';
import { createConsumer } from '../../src/engine/consumer.ts';
import { createTaskQueues } from '../../src/engine/task-queues.ts';
import { createRecorder } from '../../src/engine/recorder.ts';
import { createFlowStore } from '../../src/store/flows.ts';
import { createSweeps } from '../../src/store/sweeps.ts';
import { createTaskStore } from '../../src/store/tasks.ts';
import { createTransitions, type Transitions } from '../../src/store/transitions.ts';
import { keepLog, keepPublished, keepQueues, noLimits, noLargeBodies } from '../support/deps.ts';
import { aTask, parseAttempts, OWNER, rowOf, store } from '../support/rows.ts';

const NOW = 1_900_000_000_000;

beforeEach(() => env.DB.prepare('DELETE FROM tasks').run());

/**
 * A consumer and a clock over the real table; which tasks take their worker down with them, the
 * test says.
 */
const setup = (isPoison: (task: Task) => boolean = () => false) => {
  const { log } = keepLog();
  const queues = keepQueues();
  const { publish } = keepPublished();
  const transitions = createTransitions(env.DB);
  const taskStore = createTaskStore(env.DB);
  const taskQueues = createTaskQueues({ queues: queues.queues, log });
  let time = NOW;
  const now = () => time;
  const alarm = {
    getAlarm: async () => null,
    setAlarm: async () => {},
    deleteAlarm: async () => {},
  };
  const clock = createClock({
    ...noLimits,
    expireRuns: async () => {},
    fireSchedules: async () => false,
    releaseDue: async () => false,
    releaseAfter: async () => {},
    flows: createFlowStore(env.DB),
    sweeps: createSweeps(env.DB),
    pruneTasks: taskStore.prune,
    kept: { flush: async () => false },
    computeCutoffs: () => ({ rules: [], otherwise: 0 }),
    pruneWhenFull: false,
    databaseSize: { note: () => {}, getUsedPart: () => 0 },
    removeLeftovers: async () => {},
    orphans: { sweep: async () => false },
    taskQueues,
    sendDeliveries: async () => {},
    publish,
    alarm,
    now,
    log,
  });
  const findPolicy = () => ({ maxAttempts: 3, baseSeconds: 60, maxSeconds: 600 });
  const recorderOn = (writes: Pick<Transitions, 'record'>) =>
    createRecorder({
      transitions: { ...transitions, ...writes },
      ensureAlarmBy: async () => {},
      keepRecordings: () => Promise.reject(new Error('The Dispatcher does not answer')),
      store: taskStore,
      followUp: async () => {},
      publish,
      findPolicy,
      keepResult: noLargeBodies.keepResult,
      now,
      random: Math.random,
      wait: async () => {},
      log,
    });
  const recorder = recorderOn(transitions);

  /**
   * Delivers what was sent, as one batch, to a worker that dies (answers nothing more) if it runs a
   * poisonous task.
   */
  const deliver = async (enqueued: readonly QueuedTask[]): Promise<void> => {
    let died = (): void => {};
    const death = new Promise<void>((resolve) => (died = resolve));
    const dying = { all: () => new Promise<never>(() => {}) };
    let isDead = false;
    const workers = {
      ...transitions,
      record: (...args: Parameters<typeof transitions.record>) =>
        isDead ? dying.all() : transitions.record(...args),
    };
    const startRunner = () => ({
      runTask: async (task: Task) => {
        if (isPoison(task)) {
          isDead = true;
          died();
        }
        // Innocents that run beside it go down with it.
        await Promise.resolve();
        return isDead ? dying.all() : { kind: 'completed' as const, result: '"done"' };
      },
      stop: () => {},
    });
    const mortal = recorderOn(workers);
    const longTasks = { startMany: async () => new Map<string, unknown>() };
    const runBatch = createBatchRunner({
      startRunner,
      recorder: mortal,
      longTasks,
      longTaskMs: 30_000,
      random: () => 0.5,
      log,
    });
    const consumer = createConsumer({ transitions, runBatch, taskQueues, now, log });
    const messages = enqueued.map(
      ({ owner, id, isolated }) =>
        ({
          body: { owner, ids: [id], isolated },
          ack: () => {},
          retry: () => {},
        }) as unknown as Message<TaskMessage>,
    );
    await Promise.race([consumer.consume(messages), death]);
  };
  return {
    ...queues,
    clock,
    deliver,
    recorder,
    transitions,
    pass: (ms: number) => void (time += ms),
  };
};

type QueuedTask = Pick<Task, 'owner' | 'id'> & { isolated?: true };

describe('one poisonous task among innocents', () => {
  it('ends as lost after three rescues; the innocents complete, once rescued', async () => {
    const poison = aTask({}, NOW);
    const innocents = Array.from({ length: 20 }, () => aTask({}, NOW));
    const all = [...innocents.slice(0, 10), poison, ...innocents.slice(10)];
    await store(...all);
    const { clock, deliver, pass, sent } = setup(({ id }) => id === poison.id);
    await deliver(all);
    for (let death = 1; death <= 4; death += 1) {
      pass(15_000);
      await clock.tick();
      const enqueued = sent.splice(0);
      // The platform hands what is left of a dead worker's batch to the next one.
      for (let left = enqueued; left.length > 0;) {
        await deliver(left);
        const done = await Promise.all(
          left.map(async ({ id }) => (await rowOf(id)).status !== 'PENDING'),
        );
        left = left.filter((_, i) => !done[i]);
      }
    }
    const row = await rowOf(poison.id);
    expect(row).toMatchObject({ status: 'FAILED', attempt: 4, rescues: 3 });
    expect(parseAttempts(row).at(-1)).toMatchObject({ outcome: 'failed', error: { code: 'lost' } });
    for (const { id } of innocents) {
      const innocent = await rowOf(id);
      expect(innocent.status).toBe('COMPLETED');
      expect(innocent.rescues).toBeLessThanOrEqual(1);
    }
  });
});

describe('500 tasks that fail together', () => {
  it('come back spread over the whole back-off', async () => {
    const { transitions, recorder } = setup();
    const tasks = Array.from({ length: 500 }, () => aTask({}, NOW));
    for (let i = 0; i < 500; i += 100) await store(...tasks.slice(i, i + 100));
    const claimed = await transitions.claim(tasks, NOW, false);
    const batch = recorder.forBatch(claimed.length);
    const error = { code: 'handler_error', message: 'down' };
    await Promise.all(
      claimed.map((task) => batch.record(task, { kind: 'failed', error, retryable: true })),
    );
    const rows = await createTaskStore(env.DB).getMany(tasks);
    const delays = rows
      .map(({ scheduled_at }) => (scheduled_at ?? 0) - NOW)
      .toSorted((a, b) => a - b);
    // A first back-off of up to 60 s, in six parts of 10 s: none of them empty, none crowded.
    const parts = Map.groupBy(delays, (delay) => Math.min(5, Math.floor(delay / 10_000)));
    expect(parts.size).toBe(6);
    for (const part of parts.values()) expect(part.length).toBeLessThan(150);
  });
});

describe('100 000 tasks that wait', () => {
  it('breed no copies of themselves while the queue holds them, and are all sent when it has lost them', async () => {
    const { clock, pass, sent, backlog, oldest } = setup();
    const seed = aTask({ id: 'seed' }, NOW);
    await store(seed);
    const { results } = await env.DB.prepare('PRAGMA table_info(tasks)').all<{ name: string }>();
    const columns = results.map(({ name }) => name);
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
       INSERT INTO tasks (${columns.join(', ')}) SELECT ${columns.map((name) => (name === 'id' ? `printf('t%06d', i)` : name)).join(', ')} FROM n, tasks WHERE id = 'seed'`,
    ).run();
    backlog.set('default-medium', 100_000);
    pass(RESEND_AFTER_MS);
    oldest.set('default-medium', new Date(NOW));
    for (let tick = 0; tick < 20; tick += 1) await clock.tick();
    expect(sent).toHaveLength(0);
    oldest.set('default-medium', new Date(NOW + RESEND_AFTER_MS));
    // The queue was emptied: what is sent from now on is what it holds.
    for (let tick = 0; tick < 40; tick += 1) {
      backlog.set('default-medium', sent.length);
      await clock.tick();
    }
    expect(sent.length).toBeGreaterThanOrEqual(9_000);
    expect(new Set(sent.map(({ id }) => id)).size).toBe(sent.length);
  }, 30_000);
});

describe('a finish and a command at the same moment', () => {
  it.each(['cancel', 'pause', 'retry'] as const)(
    '%s: the first counts, and nothing is torn',
    async (name) => {
      const { transitions } = setup();
      const tasks = Array.from({ length: 40 }, () => aTask({}, NOW));
      await store(...tasks);
      const claimed = await transitions.claim(tasks, NOW, false);
      const done = { transition: 'complete', result: '1' } as const;
      await Promise.all(
        claimed.flatMap((task, i) => {
          const { id } = task;
          const writes = [
            () => transitions.record([{ task, verdict: done }], NOW),
            () => transitions.command(name, OWNER, id, NOW),
          ];
          return (i % 2 === 0 ? writes : writes.toReversed()).map((write) => write());
        }),
      );
      const outcomes = new Set<string>();
      for (const { id } of tasks) {
        const row = await rowOf(id);
        outcomes.add(row.status);
        expect(parseAttempts(row)).toHaveLength(1);
        expect(row.version).toBe(3);
      }
      expect([...outcomes].toSorted()).toEqual(
        name === 'cancel' ? ['CANCELLED', 'COMPLETED'] : ['COMPLETED'],
      );
    },
  );
});
