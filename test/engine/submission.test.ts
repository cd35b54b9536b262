import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import type { Task } from '../../src/domain/task.ts';
import type { Acceptance } from '../../src/engine/accept-wire.ts';
import { createSubmission, type Submission } from '../../src/engine/submission.ts';
import { catalog } from '../../src/handlers/catalog.ts';
import { createTaskStore } from '../../src/store/tasks.ts';
import { createUniqueTasks } from '../../src/engine/unique-tasks.ts';
import { createUniqueStore } from '../../src/store/unique.ts';
import { executorDeps, keepLog, noDirectRuns, noLargeBodies } from '../support/deps.ts';
import { observeDatabase } from '../support/database.ts';
import { OWNER, store } from '../support/rows.ts';

afterEach(() => vi.restoreAllMocks());

/** A submission whose tasks are stored as the Dispatcher would, unless `accept` says otherwise. */
const setup = (accept?: (tasks: Task[]) => Promise<Acceptance[]>) => {
  const { log, events } = keepLog();
  const submission = createSubmission({
    store: createTaskStore(env.DB),
    uniqueTasks: createUniqueTasks({
      unique: createUniqueStore(env.DB),
      ensureAlarmBy: async () => {},
      publish: async () => {},
      taskQueues: { enqueue: async () => {} },
      followUp: async () => {},
      countConflict: () => {},
      now: Date.now,
    }),
    ensureLimits: async () => {},
    directRunner: noDirectRuns,
    largeBodies: noLargeBodies,
    catalog,
    outgoingRules: { allowedHosts: [] },
    secrets: executorDeps.dependencies.secrets,
    canSign: true,
    hasSearchIndex: true,
    tryReserve: async () => true,
    now: Date.now,
    accept:
      accept ??
      (async (tasks) => {
        await store(...tasks);
        return tasks.map(() => 'accepted' as const);
      }),
    log,
  });
  const submit = (params: object[], more: Partial<Submission> = {}) =>
    submission.submit({
      requests: params.map((each) => ({
        type: 'sum',
        params: each as Record<string, unknown>,
        priority: 'MEDIUM' as const,
      })),
      caller: {
        owner: OWNER,
        requestId: 'r',
        ownHost: 'localhost',
        taskTypes: null,
        fields: { type: 'type', params: 'params' },
      },
      findKey: () => null,
      isBulk: params.length > 1,
      consumeMetered: async () => {},
      ...more,
    });
  return { submit, events };
};

it('stores a plain task without a read of the database', async () => {
  const { submit } = setup(async (tasks) => tasks.map(() => 'accepted'));
  const { asked, stop } = observeDatabase();
  const [submitted] = await submit([{ a: 1, b: 2 }]);
  stop();
  expect(submitted).toMatchObject({ replayed: false, task: { type: 'sum' } });
  expect(asked).toEqual([]);
});

it('names the bad items of a bulk by their index, all at once', async () => {
  const { submit } = setup();
  const error = submit([{ a: 1, b: 2 }, { a: 'x', b: 2 }, { a: 1 }]);
  await expect(error).rejects.toMatchObject({
    errors: [{ path: 'tasks.1.params.a' }, { path: 'tasks.2.params.b' }],
  });
});

it('takes as many tasks that replace others as one invocation has calls for', async () => {
  const { submit } = setup(async (tasks) => tasks.map(() => 'accepted'));
  const requests = Array.from({ length: 103 }, (_, i) => ({
    type: 'sum',
    params: { a: i, b: 1 },
    priority: 'MEDIUM' as const,
    // Two that only return count for nothing.
    unique: {
      while: 'unfinished' as const,
      on_conflict: i < 2 ? ('return' as const) : ('replace' as const),
    },
  }));
  const submitFirst = (count: number) =>
    submit([], { requests: requests.slice(0, count), isBulk: true });
  expect(await submitFirst(102)).toHaveLength(102);
  await expect(submitFirst(103)).rejects.toMatchObject({
    code: 'invalid_request',
    errors: [{ path: 'tasks.102.unique.on_conflict' }],
  });
});

it('answers a replay with the first task, and refuses another body under its key', async () => {
  const first = setup();
  const [stored] = await first.submit([{ a: 1, b: 2 }], { findKey: () => 'once' });
  const again = setup(async (tasks) => tasks.map(() => 'duplicate'));
  const [replay] = await again.submit([{ a: 1, b: 2 }], { findKey: () => 'once' });
  expect(replay).toMatchObject({ replayed: true, task: { id: stored?.task.id } });
  await expect(again.submit([{ a: 1, b: 3 }], { findKey: () => 'once' })).rejects.toMatchObject({
    code: 'idempotency_key_reused',
  });
});

it('does not repeat a call that an object with too much to do has refused', async () => {
  let calls = 0;
  const { submit } = setup(async () => {
    calls += 1;
    throw Object.assign(new Error('Durable Object is overloaded.'), { overloaded: true });
  });
  await expect(submit([{ a: 1, b: 2 }])).rejects.toMatchObject({
    code: 'overloaded',
    retryAfterSeconds: 1,
  });
  expect(calls).toBe(1);
});

it('repeats a lost call once, and then says that the outcome is unknown', async () => {
  let calls = 0;
  const { submit, events } = setup(() => {
    calls += 1;
    return Promise.reject(new Error('The object was evicted'));
  });
  await expect(submit([{ a: 1, b: 2 }])).rejects.toMatchObject({ code: 'outcome_unknown' });
  expect(calls).toBe(2);
  expect(events()).toEqual(['accept_failed', 'accept_failed']);
});
