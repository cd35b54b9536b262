import { describe, expect, it, vi } from 'vitest';
import { createPublisher } from '../../src/engine/publisher.ts';
import { createBoardListener, createCacheListener } from '../../src/live/listener.ts';
import type { Task } from '../../src/domain/task.ts';
import { keepLog } from '../support/deps.ts';
import { aTask } from '../support/rows.ts';

const aFinishedTask = (more: Partial<Task> = {}): Task => ({
  ...aTask(),
  status: 'COMPLETED',
  result: '"done"',
  completed_at: 1,
  wake_at: null,
  ...more,
});

describe('announcing', () => {
  it('reaches the other sinks when one throws and one hangs, and waits for neither', async () => {
    const { log, lines } = keepLog();
    const tell = vi.fn(async () => {});
    const publish = createPublisher({
      sinks: [
        { name: 'throws', tell: () => Promise.reject(new Error('no')) },
        { name: 'hangs', tell: () => new Promise(() => {}) },
        { name: 'sound', tell },
      ],
      log,
    });
    const task = aTask();
    await publish([task]);
    expect(tell).toHaveBeenCalledExactlyOnceWith([task]);
    expect(lines.map(({ event, fields }) => [event, fields['sink']])).toEqual([
      ['announce_failed', 'throws'],
      ['announce_failed', 'hangs'],
    ]);
  });

  it('is silent about nothing', async () => {
    const tell = vi.fn(async () => {});
    await createPublisher({ sinks: [{ name: 'sound', tell }], log: keepLog().log })([]);
    expect(tell).not.toHaveBeenCalled();
  });
});

describe('the board sink', () => {
  it('asks each owner once for a batch what is watched, tells only that, and leaves out what is long', async () => {
    const told: Record<string, { id: string }[]> = {};
    const asked: string[] = [];
    const publish = async (owner: string, rows: string) =>
      void (told[owner] = JSON.parse(rows) as { id: string }[]);
    const [mine, unwatched, long, theirs] = [
      aTask(),
      aTask(),
      aFinishedTask({ result: JSON.stringify('x'.repeat(20_000)) }),
      aTask({ owner: 'they' }),
    ];
    const watched = async (owner: string) => {
      asked.push(owner);
      return owner === 'local' ? [mine.id, long.id] : [];
    };
    await createBoardListener({ watched, publish }).tell([mine, unwatched, long, theirs]);
    expect(asked).toEqual(['local', 'they']);
    expect(Object.keys(told)).toEqual(['local']);
    expect(told['local']).toHaveLength(2);
    expect(told).toMatchObject({
      local: [
        { id: mine.id, params: '{"a":1,"b":2}' },
        { id: long.id, status: 'COMPLETED' },
      ],
    });
    expect(told['local']?.[1]).not.toHaveProperty('result');
  });
});

describe('the cache sink', () => {
  it('keeps the outputs of final tasks, for as long as their type says', async () => {
    const setMany = vi.fn(async () => {});
    const sink = createCacheListener({
      setMany,
      ttlSecondsOf: (type) => (type === 'sum' ? 60 : 0),
    });
    const [done, failed] = [
      aFinishedTask(),
      aFinishedTask({ type: 'broken', status: 'FAILED', result: null }),
    ];
    const { params: _, result: __, ...head } = aFinishedTask();
    await sink.tell([aTask(), done, failed, head]);
    expect(setMany).toHaveBeenCalledExactlyOnceWith([
      { task: done, ttlSeconds: 60 },
      { task: failed, ttlSeconds: 0 },
    ]);
    await sink.tell([aTask()]);
    expect(setMany).toHaveBeenCalledTimes(1);
  });
});
