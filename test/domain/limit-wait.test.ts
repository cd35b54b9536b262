import { expect, it } from 'vitest';
import { describeLimitWait, type LimitWait } from '../../src/domain/limit-wait.ts';
import { FOR_EVER } from '../../src/domain/registered-type.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const task = { limit_key: 'k', sub_key: '' };
const wait = (more: Partial<LimitWait>): LimitWait =>
  ({
    paused_until: null,
    max_running: null,
    sub_max_running: null,
    rate_count: null,
    rate_ms: null,
    tokens_now: null,
    running: 0,
    sub_running: 0,
    before: 0,
    others: 0,
    pace: null,
    ...more,
  }) as LimitWait;
const inSeconds = (of: Partial<LimitWait>): number | null => {
  const { expected_at } = describeLimitWait(task, wait(of), NOW);
  return expected_at === null ? null : (Date.parse(expected_at) - NOW) / 1_000;
};

it.each([
  ['a rate', { rate_count: 10, rate_ms: 1_000, tokens_now: 0, before: 9 }, 1],
  [
    'a rate of which something is left',
    { rate_count: 10, rate_ms: 1_000, tokens_now: 5, before: 9 },
    0.5,
  ],
  ['what ends in a second', { max_running: 10, running: 10, pace: 4, before: 3, others: 4 }, 2],
  ['nothing that has ended', { max_running: 10, running: 10, before: 3 }, null],
  [
    'the slower of both',
    {
      max_running: 10,
      running: 10,
      pace: 4,
      before: 7,
      rate_count: 1,
      rate_ms: 1_000,
      tokens_now: 0,
    },
    8,
  ],
  [
    'its share',
    { max_running: 10, running: 8, sub_max_running: 2, sub_running: 2, pace: 4, before: 3 },
    4,
  ],
  [
    'the end of a pause',
    { paused_until: NOW + 60_000, rate_count: 1, rate_ms: 1_000, tokens_now: 1 },
    60,
  ],
  ['no end of a pause', { paused_until: FOR_EVER, rate_count: 1, rate_ms: 1_000 }, null],
])('estimates by %s', (_, of, seconds) => {
  expect(inSeconds(of)).toBe(seconds);
});

it('says what is full: the limit, or the share of its sub-key', () => {
  const full = describeLimitWait(task, wait({ max_running: 10, running: 10, before: 4 }), NOW);
  expect(full.message).toBe('It waits for the limit "k": 10 of 10 run, and it is number 5 in turn');
  const share = describeLimitWait(
    { limit_key: 'k', sub_key: 'acme' },
    wait({ max_running: 10, running: 3, sub_max_running: 2, sub_running: 2 }),
    NOW,
  );
  expect(share.limit).toEqual({ key: 'k', sub_key: 'acme', running: 2, of: 2, position: 1 });
  expect(share.message).toContain('"acme" of the limit "k": 2 of 2 run');
  const paused = describeLimitWait(task, wait({ paused_until: FOR_EVER }), NOW);
  expect(paused.message).toContain('paused until it is resumed');
});
