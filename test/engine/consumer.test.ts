import { createExecutionContext, createMessageBatch, getQueueResult } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { MESSAGE_VERSION, type Task, type TaskMessage } from '../../src/domain/task.ts';
import { Dispatcher } from '../../src/engine/dispatcher.ts';
import worker from '../../src/index.ts';
import { finished } from '../support/client.ts';
import { breakDatabase } from '../support/database.ts';
import { aTask, parseAttempts, OWNER, rowOf, store } from '../support/rows.ts';

afterEach(() => vi.restoreAllMocks());

/**
 * Delivers a batch to the Worker's own consumer, as the platform does, and tells what became of
 * each message.
 */
const deliver = async (bodies: unknown[], queue = 'tasker-default-medium') => {
  const messages = bodies.map((body, i) => ({
    id: String(i),
    timestamp: new Date(),
    attempts: 1,
    body: body as TaskMessage,
  }));
  const batch = createMessageBatch<TaskMessage>(queue, messages);
  // The result names the retried messages, but not their delays.
  const retries = batch.messages.map((message) => vi.spyOn(message, 'retry'));
  await worker.queue(batch, env);
  const { outcome, explicitAcks, retryMessages } = await getQueueResult(
    batch,
    createExecutionContext(),
  );
  const retried = retryMessages.map(({ msgId }) => ({
    msgId,
    delaySeconds: retries[Number(msgId)]?.mock.lastCall?.[0]?.delaySeconds,
  }));
  return { outcome, acked: explicitAcks.toSorted(), retried };
};

const toMessage = ({ owner, id }: Task): TaskMessage => ({
  v: MESSAGE_VERSION,
  owner,
  ids: [id],
});

/** Stored tasks, in no queue. */
const stored = async (...more: Parameters<typeof aTask>[0][]) => {
  const tasks = more.map((each) => aTask(each));
  await store(...tasks);
  return tasks;
};

describe('a batch', () => {
  it('runs each task once, however often and in whatever order it is delivered', async () => {
    const tasks = await stored({}, {}, {});
    const bodies = tasks.map(toMessage);
    expect(await deliver([...bodies, ...bodies.toReversed()])).toEqual({
      outcome: 'ok',
      acked: ['0', '1', '2', '3', '4', '5'],
      retried: [],
    });
    await deliver(bodies.toReversed());
    for (const { id } of tasks)
      expect(await rowOf(id)).toMatchObject({ status: 'COMPLETED', attempt: 1, version: 3 });
  });

  it('gives a failed attempt back to its queue with the delay of its row', async () => {
    const [task] = await stored({ type: 'broken', params: {} });
    const { retried } = await deliver([toMessage(task as Task)]);
    const row = await rowOf((task as Task).id);
    expect(row).toMatchObject({ status: 'PENDING', attempt: 1 });
    const delayMs = (row.scheduled_at ?? 0) - row.updated_at;
    expect(retried).toEqual([{ msgId: '0', delaySeconds: Math.ceil(delayMs / 1_000) }]);
  });

  it('fails a task whose attempts are used up, in the database and not by dead letter', async () => {
    const [task] = await stored({ type: 'broken', params: {}, maxAttempts: 1 });
    expect(await deliver([toMessage(task as Task)])).toMatchObject({ acked: ['0'], retried: [] });
    const row = await rowOf((task as Task).id);
    expect(row).toMatchObject({ status: 'FAILED', attempt: 1 });
    expect(parseAttempts(row)).toMatchObject([
      {
        outcome: 'failed',
        error: { code: 'handler_error', message: 'This task always fails; this was attempt 1' },
      },
    ]);
  });

  it('fails a type that is gone and spares its neighbours', async () => {
    const [gone, sound] = await stored({ type: 'gone' }, {});
    expect(await deliver([toMessage(gone as Task), toMessage(sound as Task)])).toMatchObject({
      acked: ['0', '1'],
    });
    expect(parseAttempts(await rowOf((gone as Task).id))).toMatchObject([
      { outcome: 'failed', error: { code: 'unknown_type' } },
    ]);
    expect(await rowOf((sound as Task).id)).toMatchObject({ status: 'COMPLETED' });
  });

  it('fails a row whose parameters are broken, and spares its neighbours', async () => {
    const [torn, sound] = await stored({}, {});
    await env.DB.prepare("UPDATE tasks SET params = '{' WHERE id = ?")
      .bind((torn as Task).id)
      .run();
    expect(await deliver([toMessage(torn as Task), toMessage(sound as Task)])).toMatchObject({
      outcome: 'ok',
      acked: ['0', '1'],
    });
    expect(parseAttempts(await rowOf((torn as Task).id))).toMatchObject([
      { outcome: 'failed', error: { code: 'bad_params' } },
    ]);
    expect(await rowOf((sound as Task).id)).toMatchObject({ status: 'COMPLETED' });
  });

  it('acks a message that is none of ours, or of no task', async () => {
    const missing = aTask();
    expect(
      await deliver([
        null,
        7,
        {},
        { owner: 'local' },
        { owner: 'local', ids: [7] },
        toMessage(missing),
      ]),
    ).toEqual({
      outcome: 'ok',
      acked: ['0', '1', '2', '3', '4', '5'],
      retried: [],
    });
  });

  it('leaves a task alone that is scheduled for later', async () => {
    const [task] = await stored({ scheduledAt: Date.now() + 60_000 });
    expect(await deliver([toMessage(task as Task)])).toMatchObject({ acked: ['0'] });
    expect(await rowOf((task as Task).id)).toMatchObject({ status: 'NEW', attempt: 0 });
  });
});

describe('a message that names several tasks', () => {
  const toMessageOfAll = (tasks: readonly Task[]): TaskMessage => ({
    v: MESSAGE_VERSION,
    owner: OWNER,
    ids: tasks.map(({ id }) => id),
  });

  it('is acked once all of them are recorded, also when another message names them', async () => {
    const tasks = await stored({}, {}, {});
    const messages = [toMessageOfAll(tasks), toMessageOfAll(tasks), toMessage(tasks[1] as Task)];
    expect(await deliver(messages)).toEqual({ outcome: 'ok', acked: ['0', '1', '2'], retried: [] });
    for (const { id } of tasks)
      expect(await rowOf(id)).toMatchObject({ status: 'COMPLETED', attempt: 1 });
  });

  it('is acked, and those that failed come back in messages of their own, each when it is due', async () => {
    const tasks = await stored({}, { type: 'broken', params: {} }, { type: 'broken', params: {} });
    const sent: MessageSendRequest<TaskMessage>[] = [];
    vi.spyOn(env.QUEUE_DEFAULT_MEDIUM, 'sendBatch').mockImplementation(async (batch) => {
      sent.push(...(batch as MessageSendRequest<TaskMessage>[]));
      return { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } };
    });
    expect(await deliver([toMessageOfAll(tasks)])).toEqual({
      outcome: 'ok',
      acked: ['0'],
      retried: [],
    });
    const rows = await Promise.all(tasks.slice(1).map(({ id }) => rowOf(id)));
    const due = rows.map((row) => ({
      id: row.id,
      delaySeconds: Math.ceil(((row.scheduled_at ?? 0) - row.updated_at) / 1_000),
    }));
    const named = sent.flatMap(({ body, delaySeconds }) =>
      body.ids.map((id) => ({ id, delaySeconds })),
    );
    expect(named.toSorted((a, b) => a.id.localeCompare(b.id))).toEqual(
      due.toSorted((a, b) => a.id.localeCompare(b.id)),
    );
  });

  it('comes back when it is not known whether an outcome was recorded', async () => {
    const tasks = await stored({}, {});
    const { mend } = breakDatabase('tasks.record', 'before', { message: 'D1 DB is overloaded.' });
    const keep = vi.spyOn(Dispatcher.prototype, 'keepRecordings');
    keep.mockRejectedValue(new Error('The Dispatcher does not answer'));
    expect(await deliver([toMessageOfAll(tasks)])).toMatchObject({
      acked: [],
      retried: [{ msgId: '0', delaySeconds: 5 }],
    });
    mend();
    keep.mockRestore();
    for (const { id } of tasks)
      expect(await rowOf(id)).toMatchObject({ status: 'IN_PROGRESS', attempt: 1 });
  });

  it('is done with once its outcomes are kept, which the Dispatcher writes', async () => {
    const tasks = await stored({}, {});
    const { mend } = breakDatabase('tasks.record', 'before', { message: 'D1 DB is overloaded.' });
    expect(await deliver([toMessageOfAll(tasks)])).toMatchObject({ acked: ['0'], retried: [] });
    mend();
    for (const { id } of tasks)
      expect(await finished(id)).toMatchObject({ status: 'COMPLETED', attempt: 1 });
  });
});

describe('a database that fails', () => {
  it('before the claim: the messages come back', async () => {
    const [task] = await stored({});
    const { mend } = breakDatabase('tasks.claim', 'before');
    expect(await deliver([toMessage(task as Task)])).toMatchObject({
      outcome: 'ok',
      acked: [],
      retried: [{ msgId: '0', delaySeconds: 5 }],
    });
    mend();
    expect(await rowOf((task as Task).id)).toMatchObject({ status: 'PENDING', attempt: 0 });
  });

  it('after the record: what was committed counts, once', async () => {
    const [task] = await stored({});
    const { mend } = breakDatabase('tasks.record', 'after', { times: 1 });
    expect(await deliver([toMessage(task as Task)])).toMatchObject({ acked: ['0'], retried: [] });
    mend();
    const row = await rowOf((task as Task).id);
    expect(row).toMatchObject({ status: 'COMPLETED', attempt: 1, version: 3 });
    expect(parseAttempts(row)).toHaveLength(1);
  });

  it('at the record, for a while: the outcome is kept and written then', async () => {
    const [task] = await stored({});
    const { mend } = breakDatabase('tasks.record', 'before', {
      times: 2,
      message: 'D1 DB is overloaded.',
    });
    expect(await deliver([toMessage(task as Task)])).toMatchObject({ acked: ['0'] });
    mend();
    expect(await rowOf((task as Task).id)).toMatchObject({ status: 'COMPLETED', attempt: 1 });
  });
});

describe('tasks that were rescued once', () => {
  it('run isolated, after the others are recorded', async () => {
    const [rescued, sound] = await stored({}, {});
    await env.DB.prepare('UPDATE tasks SET rescues = 1 WHERE id = ?')
      .bind((rescued as Task).id)
      .run();
    await deliver([{ ...toMessage(rescued as Task), isolated: true }, toMessage(sound as Task)]);
    const [late, early] = await Promise.all([
      rowOf((rescued as Task).id),
      rowOf((sound as Task).id),
    ]);
    expect([late.status, early.status]).toEqual(['COMPLETED', 'COMPLETED']);
    expect(late.started_at).toBeGreaterThanOrEqual(early.completed_at ?? Infinity);
  });
});

describe('the dead-letter queue', () => {
  it('acks and never touches a row', async () => {
    const [task] = await stored({});
    expect(await deliver([toMessage(task as Task), null], 'tasker-dead')).toMatchObject({
      acked: ['0', '1'],
    });
    expect(await rowOf((task as Task).id)).toMatchObject({ status: 'PENDING', version: 1 });
  });
});
