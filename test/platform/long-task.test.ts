import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import type { Task } from '../../src/domain/task.ts';
import { createRecorder } from '../../src/engine/recorder.ts';
import { startTaskRunner } from '../../src/engine/task-runner.ts';
import type { EndedOutcome } from '../../src/domain/retry.ts';
import { createLeaseStore, type LeaseStore } from '../../src/store/leases.ts';
import { createSweeps } from '../../src/store/sweeps.ts';
import { createTaskStore } from '../../src/store/tasks.ts';
import { createTransitions } from '../../src/store/transitions.ts';
import { keepLog, noLargeBodies } from '../support/deps.ts';
import { aTask, looksUntil, rowOf, store } from '../support/rows.ts';

/**
 * An instance of a Workflow may ask for this many things:
 * https://developers.cloudflare.com/workflows/reference/limits/
 */
const MAX_SUBREQUESTS = 10_000;
const HOURS = 6;
const SECONDS = HOURS * 3_600;

/** Lets everything go on that waits for no timer. */
const settle = async (asked: ReadonlySet<Promise<unknown>>): Promise<void> => {
  for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
  if (asked.size === 0) return;
  await Promise.all(asked);
  await settle(asked);
};

afterEach(() => vi.useRealTimers());

it.each([true, false])(
  'a handler of six hours, with progress every second, ends in its first attempt (watched: %s)',
  async (isWatched) => {
    const startedAt = Date.now();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: startedAt });
    let subrequests = 0;
    // The database is real, and time is not: what is asked is waited for before time goes on.
    const asked = new Set<Promise<unknown>>();
    const count = <T>(work: Promise<T>): Promise<T> => {
      subrequests += 1;
      asked.add(work);
      return work.finally(() => asked.delete(work));
    };
    const real = createLeaseStore(env.DB);
    const leases: LeaseStore = {
      renew: (...of) => count(real.renew(...of)),
      findHeld: (...of) => count(real.findHeld(...of)),
    };
    const { log } = keepLog();
    const task = aTask({ timeoutMs: SECONDS * 1_000 + 60_000 }, startedAt);
    await store(task);
    const transitions = createTransitions(env.DB);
    const [claimed] = (await transitions.claim([task], Date.now(), false)) as [Task];
    const runner = startTaskRunner({
      executor: {
        execute: async (_task, { watchLease, progress }) => {
          const signal = watchLease();
          for (let second = 1; second <= SECONDS; second += 1) {
            await new Promise((resolve) => setTimeout(resolve, 1_000));
            signal.throwIfAborted();
            progress(second / SECONDS, `${second} s`);
          }
          return { kind: 'completed', result: '"done"' };
        },
      },
      startTracing: () => (_, run) => run(),
      publishRuns: () => count(Promise.resolve({ isWatched, shown: {} })),
      runLogs: { append: async () => {} },
      leases,
      outsideRuns: { handOver: async () => {} },
      now: Date.now,
      log,
    });
    const recorder = createRecorder({
      transitions,
      store: createTaskStore(env.DB),
      publish: async () => {},
      followUp: async () => {},
      ensureAlarmBy: async () => {},
      keepRecordings: () => Promise.reject(new Error('not asked')),
      keepResult: noLargeBodies.keepResult,
      findPolicy: () => ({ maxAttempts: 1, baseSeconds: 1, maxSeconds: 1 }),
      now: Date.now,
      random: () => 0.5,
      wait: async () => {},
      log,
    });
    const running = runner.runTask(claimed);
    const sweeps = createSweeps(env.DB);
    for (let second = 0; second <= SECONDS; second += 1) {
      vi.advanceTimersByTime(1_000);
      await settle(asked);
      if (second % 60 === 0)
        expect((await sweeps.sweep(Date.now(), 10, looksUntil(Date.now()))).rescued).toEqual([]);
    }
    const outcome = await running;
    runner.stop();
    vi.useRealTimers();
    await count(recorder.forBatch(1).record(claimed, outcome as EndedOutcome));
    expect(await rowOf(task.id)).toMatchObject({ status: 'COMPLETED', attempt: 1, rescues: 0 });
    console.log(`six hours, watched ${isWatched}: ${subrequests} subrequests`);
    expect(subrequests).toBeLessThan(MAX_SUBREQUESTS);
  },
  120_000,
);
