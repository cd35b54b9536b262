import { describe, expect, it } from 'vitest';
import { describeWaiting, waitsForQueue } from '../../src/domain/waiting.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const task = (more: object = {}) =>
  ({ status: 'PENDING', scheduled_at: null, attempt: 0, queue: 'default-high', ...more }) as never;

describe('why a task waits', () => {
  it.each([
    [
      'it is scheduled',
      { status: 'NEW', scheduled_at: NOW + 60_000 },
      'time',
      '2026-01-01T12:01:00.000Z',
    ],
    [
      'its retry is due later',
      { scheduled_at: NOW + 5_000, attempt: 2 },
      'retry',
      '2026-01-01T12:00:05.000Z',
    ],
    ['it is paused', { status: 'PAUSED' }, 'paused', null],
    ['its queue is behind', {}, 'backlog', null],
    ['its retry is due', { scheduled_at: NOW - 1, attempt: 2 }, 'backlog', null],
  ])('%s', (_what, given, reason, expected_at) => {
    const queue = waitsForQueue(task(given), NOW)
      ? { paused_at: null, paused_by: null, waiting: 3 }
      : null;
    expect(describeWaiting(task(given), NOW, queue)).toMatchObject({ reason, expected_at });
  });

  it('names the queue that is paused, since when and by whom', () => {
    const queue = { paused_at: NOW - 60_000, paused_by: 'ops', waiting: 3 };
    const waiting = describeWaiting(task(), NOW, queue);
    expect(waiting).toMatchObject({ reason: 'queue_paused', paused_by: 'ops', waiting: 3 });
    expect(waiting?.message).toMatch(
      /default-high was paused at 2026-01-01T11:59:00.000Z by key ops/,
    );
  });

  it.each(['IN_PROGRESS', 'COMPLETED', 'FAILED', 'CANCELLED'])('%s waits for nothing', (status) => {
    expect(describeWaiting(task({ status }), NOW, null)).toBeNull();
  });
});
