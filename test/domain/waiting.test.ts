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

/** All reasons, each in the statuses in which it can be one. */
const LIMIT = {
  paused_until: null,
  max_running: 1,
  running: 1,
  before: 0,
  others: 0,
  pace: null,
} as never;
const OPEN = { paused_at: null, paused_by: null, waiting: 1 };
const TYPE = { paused_until: null, worker_seen_at: null };

describe('in every status', () => {
  const later = { scheduled_at: NOW + 60_000 };
  it.each([
    ['NEW', { ...later }, null, 'time'],
    ['NEW', { ...later, limit_key: 'k' }, null, 'time'],
    ['PENDING', { ...later, attempt: 1 }, null, 'retry'],
    ['PENDING', {}, null, 'backlog'],
    ['PENDING', { limit_key: 'k', sub_key: '' }, LIMIT, 'limit'],
    ['PENDING', { queue: 'worker-low' }, null, 'worker'],
    ['PENDING', { queue: 'worker-low', limit_key: 'k' }, LIMIT, 'limit'],
    ['PENDING', { queue: 'manual-low' }, null, 'person'],
    ['PENDING', { queue: 'manual-low', limit_key: 'k' }, LIMIT, 'limit'],
    ['PAUSED', {}, null, 'paused'],
    ['PAUSED', { ...later }, null, 'paused'],
    ['PAUSED', { limit_key: 'k' }, null, 'paused'],
    ['IN_PROGRESS', { limit_key: 'k' }, null, undefined],
    ['COMPLETED', {}, null, undefined],
    ['FAILED', {}, null, undefined],
    ['CANCELLED', {}, null, undefined],
  ])('%s %j', (status, given, limit, reason) => {
    const of = task({ status, ...given });
    const queue = waitsForQueue(of, NOW) ? OPEN : null;
    expect(describeWaiting(of, NOW, queue, TYPE, limit)?.reason).toBe(reason);
  });

  it.each([
    [{ ...OPEN, paused_at: NOW - 1 }, TYPE, null, 'queue_paused'],
    [OPEN, { ...TYPE, paused_until: NOW + 1 }, null, 'type_paused'],
    [OPEN, { ...TYPE, paused_until: NOW }, null, 'backlog'],
    // Its limit comes before its queue, and after its type.
    [{ ...OPEN, paused_at: NOW - 1 }, TYPE, LIMIT, 'limit'],
    [OPEN, { ...TYPE, paused_until: NOW + 1 }, LIMIT, 'type_paused'],
  ])('with queue %j, type %j and limit %j', (queue, type, limit, reason) => {
    expect(describeWaiting(task(), NOW, queue, type, limit)?.reason).toBe(reason);
  });
});
