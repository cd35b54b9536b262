import { runDurableObjectAlarm } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { call, finished, submit, watch } from '../support/client.ts';
import { aTask } from '../support/rows.ts';
import {
  board,
  claim,
  complete,
  isEnd,
  taskIn,
  tell,
  versionsOf,
  watched,
} from '../support/streams.ts';

describe("a task's stream", () => {
  it('begins with a snapshot, follows each change, and closes after the final frame', async () => {
    const { task, frames, next, closed } = await watched();
    await tell(await claim(task.id));
    await tell(await complete(task.id));
    await next(isEnd);
    expect(frames.map(({ event }) => event)).toEqual(['snapshot', 'update', 'update']);
    expect(frames.map((frame) => taskIn(frame)?.status)).toEqual([
      'PENDING',
      'IN_PROGRESS',
      'COMPLETED',
    ]);
    expect(taskIn(frames.at(-1))).toMatchObject({ result: 'done', version: 3 });
    expect(await closed).toMatchObject({ code: 1000, reason: 'final' });
  });

  it('shows its final state at any moment of connecting', async () => {
    const { task_id } = await submit('sum', { a: 1, b: 2 });
    const streams = await Promise.all(
      Array.from({ length: 8 }, () => watch(`/tasks/${task_id}/events`)),
    );
    for (const { next } of streams)
      expect(taskIn(await next(isEnd))).toMatchObject({
        status: 'COMPLETED',
        result: { result: 3 },
      });
    const late = await watch(`/tasks/${task_id}/events`);
    expect(taskIn(await late.next(isEnd))).toMatchObject({ status: 'COMPLETED' });
    expect(await late.closed).toMatchObject({ code: 1000, reason: 'final' });
    expect(late.frames.map(({ event }) => event)).toEqual(['snapshot']);
  });

  it('is named when the service asks for watched tasks; a stream of the list means all', async () => {
    const [one, other] = [await watched(), await watched()];
    const named = await board().listWatched();
    expect(named).toEqual(expect.arrayContaining([one.task.id, other.task.id]));
    const list = await watch('/events');
    expect(await board().listWatched()).toBeNull();
    for (const { socket, closed } of [one, other, list]) {
      socket.close();
      await closed;
    }
    await expect.poll(() => board().listWatched()).not.toContain(one.task.id);
  });

  it('never goes back to an older version', async () => {
    const { task, frames, next } = await watched();
    const claimed = await claim(task.id);
    const completed = await complete(task.id);
    await tell(claimed, claimed, task);
    await board().publishRuns([{ task_id: task.id, version: 1, fraction: 0.1, note: 'stale' }], []);
    await board().publishRuns([{ task_id: task.id, version: 2, fraction: 0.5, note: 'half' }], []);
    await tell(completed);
    await next(isEnd);
    expect(versionsOf(frames)).toEqual([1, 2, 2, 3]);
  });

  it('reads a task that was too large to be published', async () => {
    const { task, next } = await watched();
    await claim(task.id);
    const { params: _, result: __, ...head } = await complete(task.id);
    await tell(head);
    expect(taskIn(await next(isEnd))).toMatchObject({ result: 'done' });
  });

  it('ends at once when its task is deleted', async () => {
    const { task, closed } = await watched();
    expect((await call(`/tasks/${task.id}`, { method: 'DELETE' })).status).toBe(204);
    expect(await closed).toMatchObject({ code: 4404, reason: 'deleted' });
  });

  it('finds a change by itself, within 15 s, whose publish was lost', async () => {
    const { task, next } = await watched();
    const { next: nextOfList, socket } = await watch('/events');
    await claim(task.id);
    await complete(task.id);
    await runDurableObjectAlarm(board());
    expect(taskIn(await next(isEnd))).toMatchObject({ result: 'done' });
    await nextOfList(
      (frame) =>
        frame.event === 'updates' &&
        frame.tasks.some(({ task_id, version }) => task_id === task.id && version === 3),
    );
    socket.close();
  });

  it('ends with its final frame: a retry is not sent to it', async () => {
    const { task, frames, next } = await watched();
    await claim(task.id);
    const completed = await complete(task.id);
    await tell(completed);
    await next(isEnd);
    const other = await watched();
    await claim(other.task.id);
    await tell({ ...completed, version: 9 }, await complete(other.task.id));
    await other.next(isEnd);
    expect(frames.map(({ event }) => event)).toEqual(['snapshot', 'update']);
  });

  it('shows the progress of a running task', async () => {
    const { task_id } = await submit('simulate', { duration: 1 });
    const { frames, next } = await watch(`/tasks/${task_id}/events`);
    await next(isEnd);
    const progress = frames.filter((frame) => frame.event === 'progress');
    expect(progress.map(({ fraction }) => fraction)).toContain(0);
    expect(taskIn(frames.at(-1))).toMatchObject({ result: 'Task completed in 1 seconds' });
  });

  it('answers ping with pong', async () => {
    const { socket } = await watched();
    const pong = new Promise((resolve) =>
      socket.addEventListener('message', ({ data }) => resolve(data), { once: true }),
    );
    // The snapshot may still be on its way: take what comes until the answer.
    socket.send('ping');
    const first = await pong;
    if (first !== 'pong')
      await new Promise((resolve) =>
        socket.addEventListener('message', ({ data }) => resolve(expect(data).toBe('pong')), {
          once: true,
        }),
      );
  });
});

describe("the list's stream", () => {
  it('begins with the newest tasks and sends every change, without parameters and results', async () => {
    const { next, socket } = await watch('/events');
    const snapshot = await next(({ event }) => event === 'snapshot');
    expect(snapshot).toHaveProperty('tasks');
    const { task_id } = await submit('sum', { a: 1, b: 2 });
    const frame = await next(
      (each) =>
        each.event === 'updates' &&
        each.tasks.some((task) => task.task_id === task_id && task.status === 'COMPLETED'),
    );
    const row =
      frame.event === 'updates' ? frame.tasks.find((task) => task.task_id === task_id) : undefined;
    expect(row).toMatchObject({ type: 'sum', status: 'COMPLETED' });
    expect(row).not.toHaveProperty('params');
    expect(row).not.toHaveProperty('result');
    socket.close();
  });

  it('sends at most four frames in any second', async () => {
    const { frames, socket, next } = await watch('/events');
    const tasks = Array.from({ length: 30 }, () => aTask());
    const sentAt: number[] = [];
    socket.addEventListener('message', () => void sentAt.push(Date.now()));
    for (const task of tasks) await tell(task);
    const seen = () =>
      new Set(
        frames.flatMap((frame) =>
          frame.event === 'updates' ? frame.tasks.map(({ task_id }) => task_id) : [],
        ),
      );
    await next(() => tasks.every(({ id }) => seen().has(id)));
    expect(frames.filter(({ event }) => event === 'updates').length).toBeLessThanOrEqual(5);
    socket.close();
  });
});

describe('refusals', () => {
  it.each(['/tasks/0199b3c2-0000-7000-8000-000000000000/events', '/tasks/nonsense/events'])(
    '404 before the upgrade: %s',
    async (path) => {
      const response = await call(path, { headers: { Upgrade: 'websocket' } });
      expect([response.status, response.webSocket]).toEqual([404, null]);
      expect(await response.json()).toMatchObject({ code: 'task_not_found' });
    },
  );

  it('426 without the upgrade', async () => {
    const { task_id } = await submit('sum', { a: 1, b: 2 });
    for (const path of ['/events', `/tasks/${task_id}/events`]) {
      const response = await call(path);
      expect([response.status, response.headers.get('Upgrade')]).toEqual([426, 'websocket']);
    }
    await finished(task_id);
  });
});
