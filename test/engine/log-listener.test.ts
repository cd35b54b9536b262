import { expect, it } from 'vitest';
import { appendAttempt } from '../../src/domain/attempts.ts';
import type { Task } from '../../src/domain/task.ts';
import { createLogListener } from '../../src/engine/log-listener.ts';
import { keepLog } from '../support/deps.ts';
import { aTask } from '../support/rows.ts';

const end = (outcome: 'completed' | 'failed', error: { code: string; message: string } | null) => {
  const started: Task = { ...aTask({}, 1_000), attempt: 1, started_at: 1_000 };
  const attempts = appendAttempt(started, { ended_at: 1_250, outcome, error });
  const status = outcome === 'completed' ? 'COMPLETED' : 'FAILED';
  return {
    ...started,
    version: 3,
    status,
    attempts,
    completed_at: 1_250,
    updated_at: 1_250,
  } as Task;
};

it('logs one line for the end of an attempt, and none for anything else', async () => {
  const { log, lines } = keepLog();
  const listener = createLogListener(log);
  await listener.onCommit([
    aTask(),
    end('completed', null),
    end('failed', { code: 'x', message: 'secret' }),
  ]);
  expect(lines.map(({ event }) => event)).toEqual(['task_completed', 'task_failed']);
  expect(lines[0]?.fields).toMatchObject({ task_name: 'sum', attempt: 1, duration_ms: 250 });
  expect(lines[1]?.fields).toMatchObject({ reason: 'x' });
  expect(JSON.stringify(lines)).not.toContain('secret');
});

it('tells many ends together in a few lines, and names every failure', async () => {
  const { log, lines } = keepLog();
  const done = Array.from({ length: 900 }, () => end('completed', null));
  const failed = Array.from({ length: 100 }, (_, i) =>
    end('failed', { code: i % 2 ? 'x' : 'y', message: 'm'.repeat(2_000) }),
  );
  await createLogListener(log).onCommit([...done, ...failed]);
  expect(lines.map(({ event, fields }) => [event, fields?.['reason'], fields?.['tasks']])).toEqual([
    ['tasks_completed', undefined, 900],
    ['tasks_failed', 'y', 50],
    ['tasks_failed', 'x', 50],
  ]);
  const text = JSON.stringify(lines);
  expect(failed.every(({ id }) => text.includes(id))).toBe(true);
  // An invocation may log 256 KB.
  expect(text.length).toBeLessThan(10_000);
});
