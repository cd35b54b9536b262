import { expect, it } from 'vitest';
import type { Progress } from '../../src/domain/frames.ts';
import type { Executor } from '../../src/engine/executor.ts';
import { startTaskRunner } from '../../src/engine/task-runner.ts';
import { keepLog } from '../support/deps.ts';
import { aTask } from '../support/rows.ts';

const setup = (execute: Executor['execute']) => {
  const steps: Progress[] = [];
  let reads = 0;
  const runner = startTaskRunner({
    executor: { execute },
    startTracing: () => (_, run) => run(),
    publishRuns: async (_, published) => {
      steps.push(...published);
      return { isWatched: true, shown: {} };
    },
    runLogs: { append: async () => {} },
    outsideRuns: { handOver: async () => {} },
    leases: {
      renew: async () => new Set<string>(),
      findHeld: async () => ((reads += 1), new Set<string>()),
    },
    now: Date.now,
    log: keepLog().log,
  });
  return { runner, steps, reads: () => reads };
};

it('publishes what a task reports', async () => {
  const { runner, steps } = setup(async (_, { progress }) => {
    progress(0.5, 'half');
    await new Promise((resolve) => setTimeout(resolve, 10));
    return { kind: 'completed', result: '1' };
  });
  const task = aTask();
  expect(await runner.runTask(task)).toEqual({ kind: 'completed', result: '1' });
  expect(steps).toMatchObject([{ task_id: task.id, fraction: 0.5, note: 'half' }]);
});

it('has no heartbeat for a task that never waits', async () => {
  const { runner, reads } = setup(() => Promise.resolve({ kind: 'completed', result: '1' }));
  await runner.runTask(aTask());
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(reads()).toBe(0);
});

it('aborts a task whose lease is gone', async () => {
  const { runner } = setup(
    (_, { watchLease }) =>
      new Promise((resolve) => {
        const signal = watchLease();
        signal.addEventListener('abort', () => resolve({ kind: 'completed', result: '"aborted"' }));
      }),
  );
  expect(await runner.runTask(aTask({ timeoutMs: 3_600_000 }))).toEqual({
    kind: 'completed',
    result: '"aborted"',
  });
});
