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

  it('name one task whose parameters are filled in at the run, however short they are until then', async () => {
    const { enqueue, messages } = setup();
    await enqueue([...many(2, { blocked_by: -1 }), ...many(2)]);
    expect(messages.map(({ body }) => body.ids.length)).toEqual([1, 1, 2]);
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

it('tells how many messages a queue holds and since when, and of one that does not answer', async () => {
  const { metrics, queues } = setup();
  expect(await metrics('default-medium')).toEqual({ backlog: 0, oldestAt: null });
  queues['default-medium'].metrics = async () => ({
    backlogCount: 3,
    backlogBytes: 300,
    oldestMessageTimestamp: new Date(5_000),
  });
  expect(await metrics('default-medium')).toEqual({ backlog: 3, oldestAt: 5_000 });
  queues['default-medium'].metrics = () => Promise.reject(new Error('broken'));
  expect(await metrics('default-medium')).toEqual({ backlog: Infinity, oldestAt: null });
});
