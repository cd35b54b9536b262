import { expect, it } from 'vitest';
import type { Outcome, Verdict } from '../../src/domain/retry.ts';
import type { Task } from '../../src/domain/task.ts';
import { createBatchRunner } from '../../src/engine/batch-runner.ts';
import type { MessageTracker } from '../../src/engine/message-tracker.ts';
import { keepLog } from '../support/deps.ts';
import { aTask } from '../support/rows.ts';

const done: Outcome = { kind: 'completed', result: '1' };
const completed: Verdict = { transition: 'complete', result: '1' };

/** Runs tasks of which `record` says what becomes of their recording. */
const run = async (
  tasks: Task[],
  record: (task: Task, outcome: Outcome) => Promise<Verdict> = async () => completed,
  refuse: Task[] = [],
) => {
  const calls: string[] = [];
  const { log, events } = keepLog();
  const runBatch = createBatchRunner({
    startRunner: () => ({
      runTask: async ({ id }) => (calls.push(`run ${id}`), done),
      stop: () => void calls.push('stop'),
    }),
    recorder: {
      forBatch: (size) => {
        calls.push(`batch of ${size}`);
        return {
          end: async () => void calls.push('end'),
          skip: () => void calls.push('skip'),
          record: async (task, outcome) => ({ verdict: await record(task, outcome), row: null }),
        };
      },
    },
    longTasks: {
      startMany: async (long) => {
        calls.push(`workflow of ${long.length}`);
        return new Map(refuse.map(({ id }) => [id, new Error('Too many')]));
      },
    },
    longTaskMs: 10_000,
    random: () => 0.5,
    log,
  });
  const tracker: MessageTracker = {
    resolve: async (_, verdict) => void calls.push(`resolved ${verdict?.transition ?? null}`),
    resolveUnknown: async () => void calls.push('unknown'),
  };
  await runBatch(tasks, new Map(tasks.map(({ id }) => [id, tracker])));
  return { calls, events: events() };
};

it('runs each task, records its outcome and tells its message', async () => {
  const tasks = [aTask(), aTask()];
  const { calls } = await run(tasks);
  expect(calls[0]).toBe('batch of 2');
  expect(calls.filter((call) => call.startsWith('run'))).toEqual(
    tasks.map(({ id }) => `run ${id}`),
  );
  expect(calls.filter((call) => call === 'resolved complete')).toHaveLength(2);
  expect(calls.at(-1)).toBe('stop');
});

it('leaves a long task to a Workflow, and tells its message so', async () => {
  const { calls } = await run([aTask({ timeoutMs: 60_000 })]);
  expect(calls.some((call) => call.startsWith('workflow'))).toBe(true);
  expect(calls).toContain('skip');
  expect(calls).toContain('resolved null');
});

it('starts all long tasks together, and gives the claims back that were refused', async () => {
  const long = Array.from({ length: 30 }, () => aTask({ timeoutMs: 60_000 }));
  const outcomes: Outcome[] = [];
  const record = async (_task: Task, outcome: Outcome) => (outcomes.push(outcome), completed);
  const { calls } = await run([aTask(), ...long], record, long.slice(0, 2));
  expect(calls.filter((call) => call.startsWith('workflow'))).toEqual(['workflow of 30']);
  const refused = outcomes.filter(({ kind }) => kind === 'failed');
  const error = { code: 'workflow_unavailable', message: 'Too many' };
  const outcome = { kind: 'failed', error, retryable: true, retryAfterMs: 30_000, refund: true };
  expect(refused).toEqual([outcome, outcome]);
});

it('lets the message come back when it is not known whether an outcome was recorded', async () => {
  const { calls, events } = await run([aTask()], async () => {
    throw new Error('The database is gone');
  });
  expect(calls).toContain('unknown');
  expect(events).not.toEqual([]);
});
