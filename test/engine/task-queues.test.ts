import { describe, expect, it } from 'vitest';
import { createTaskQueues, type QueuedTask } from '../../src/engine/task-queues.ts';
import { keepLog, keepQueues } from '../support/deps.ts';

const setup = () => {
  const queues = keepQueues();
  return { ...createTaskQueues({ queues: queues.queues, log: keepLog().log }), ...queues };
};

const queuedTask = (more: Partial<QueuedTask> = {}): QueuedTask => ({
  owner: 'ada',
  id: crypto.randomUUID(),
  queue: 'default-medium',
  rescues: 0,
  params: '{}',
  ...more,
});
const many = (count: number, more: Partial<QueuedTask> = {}): QueuedTask[] =>
  Array.from({ length: count }, () => queuedTask(more));

describe('messages', () => {
  it('name up to a hundred light tasks of one owner', async () => {
    const { enqueue, messages } = setup();
    await enqueue([...many(220), ...many(30, { owner: 'bob' })]);
    expect(messages.map(({ body }) => [body.owner, body.ids.length])).toEqual([
      ['ada', 100],
      ['ada', 100],
      ['ada', 20],
      ['bob', 30],
    ]);
  });

  it('name one task each where it waits on other services, or was rescued', async () => {
    const { enqueue, messages } = setup();
    await enqueue([...many(3, { queue: 'external-low' }), ...many(2, { rescues: 1 }), ...many(2)]);
    expect(messages.map(({ body }) => [body.ids.length, body.isolated ?? false])).toEqual([
      [1, false],
      [1, false],
      [1, false],
      [2, false],
      [1, true],
      [1, true],
    ]);
  });

  it('name fewer where parameters are large or not known, so that a batch fits into memory', async () => {
    const { enqueue, messages } = setup();
    const { params: _, ...unknown } = queuedTask();
    await enqueue(many(4, { params: 'x'.repeat(60_000) }));
    await enqueue(Array.from({ length: 20 }, () => unknown));
    expect(messages.map(({ body }) => body.ids.length)).toEqual([2, 2, 10, 10]);
  });

  it('are delivered after the delay of their tasks', async () => {
    const { enqueue, messages } = setup();
    const [soon, late, later] = [queuedTask(), queuedTask(), queuedTask()] as const;
    await enqueue([soon, late, later], (task) => (task === soon ? 0 : 7));
    expect(messages).toEqual([
      { body: { v: 1, owner: 'ada', ids: [soon.id] }, delaySeconds: 0 },
      { body: { v: 1, owner: 'ada', ids: [late.id, later.id] }, delaySeconds: 7 },
    ]);
  });
});

describe('a backlog', () => {
  it.each([
    [many(120), 2],
    [many(1), 1],
    [many(7, { queue: 'default-medium', rescues: 1 }), 7],
    [many(60, { owner: 'o'.repeat(100) }), 1],
  ])('is told in messages, and in tasks that are never too few (%#)', async (tasks, count) => {
    const { enqueue, metrics, messages, queues } = setup();
    await enqueue(tasks);
    const backlogBytes = messages.reduce((sum, { body }) => sum + JSON.stringify(body).length, 0);
    queues['default-medium'].metrics = async () => ({
      backlogCount: messages.length,
      backlogBytes,
    });
    const told = await metrics('default-medium');
    expect(told.backlog).toBe(count);
    expect(told.tasks).toBeGreaterThanOrEqual(tasks.length);
    expect(told.tasks).toBeLessThanOrEqual(tasks.length * 1.1 + count * 3);
  });
});
