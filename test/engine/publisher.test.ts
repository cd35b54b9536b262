import { describe, expect, it, vi } from 'vitest';
import { createPublisher } from '../../src/engine/publisher.ts';
import { createCacheListener } from '../../src/cache/listener.ts';
import { createBoardListener } from '../../src/live/listener.ts';
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

describe('publishing', () => {
  it('reaches the other listeners when one throws and one hangs, and waits for neither', async () => {
    const { log, lines } = keepLog();
    const onCommit = vi.fn(async () => {});
    const publish = createPublisher({
      listeners: [
        { name: 'throws', onCommit: () => Promise.reject(new Error('no')) },
        { name: 'hangs', onCommit: () => new Promise(() => {}) },
        { name: 'sound', onCommit },
      ],
      log,
    });
    const task = aTask();
    await publish([task]);
    expect(onCommit).toHaveBeenCalledExactlyOnceWith([task]);
    expect(lines.map(({ event, fields }) => [event, fields['listener']])).toEqual([
      ['publish_failed', 'throws'],
      ['publish_failed', 'hangs'],
    ]);
  });

  it('is silent about nothing', async () => {
    const onCommit = vi.fn(async () => {});
    await createPublisher({ listeners: [{ name: 'sound', onCommit }], log: keepLog().log })([]);
    expect(onCommit).not.toHaveBeenCalled();
  });
});

describe('the board listener', () => {
  it('asks once a batch which tasks an owner watches, publishes only those, and leaves out long parts', async () => {
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
    const listWatched = async (owner: string) => {
      asked.push(owner);
      return owner === 'local' ? [mine.id, long.id] : [];
    };
    await createBoardListener({ listWatched, publish }).onCommit([mine, unwatched, long, theirs]);
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

describe('the cache listener', () => {
  it('keeps the outputs of final tasks, for as long as their type says', async () => {
    const setMany = vi.fn(async () => {});
    const listener = createCacheListener({
      cache: { setMany },
      findTtlSeconds: (_owner, type) => (type === 'sum' ? 60 : 0),
    });
    const [done, failed] = [
      aFinishedTask(),
      aFinishedTask({ type: 'broken', status: 'FAILED', result: null }),
    ];
    const { params: _, result: __, ...head } = aFinishedTask();
    await listener.onCommit([aTask(), done, failed, head]);
    expect(setMany).toHaveBeenCalledExactlyOnceWith([
      { task: done, ttlSeconds: 60 },
      { task: failed, ttlSeconds: 0 },
    ]);
    await listener.onCommit([aTask()]);
    expect(setMany).toHaveBeenCalledTimes(1);
  });
});
