import { expect, it } from 'vitest';
import { AppError } from '../../src/domain/errors.ts';
import { resolveExpiry, resolveSchedule } from '../../src/engine/submit-times.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const request = (more: object) =>
  ({ type: 'sum', params: {}, priority: 'MEDIUM', ...more }) as const;
const codeOf = (act: () => unknown): string | undefined => {
  try {
    act();
  } catch (error) {
    return error instanceof AppError ? error.errors?.[0]?.code : String(error);
  }
  return undefined;
};

it.each([
  [{}, null],
  [{ delay_seconds: 0 }, null],
  [{ delay_seconds: 1.5 }, NOW + 1_500],
  [{ scheduled_at: '2026-01-01T00:00:10Z' }, NOW + 10_000],
  [{ scheduled_at: '2025-12-31T23:59:30Z' }, null],
])('%j is scheduled for %s', (more, at) => {
  expect(resolveSchedule(request(more), NOW)).toBe(at);
});

it.each([
  [{ delay_seconds: 1, scheduled_at: '2026-01-01T00:00:10Z' }, 'conflict'],
  [{ scheduled_at: '2025-12-31T12:00:00Z' }, 'in_the_past'],
  [{ scheduled_at: '2028-01-01T00:00:00Z' }, 'too_big'],
])('%j is refused: %s', (more, code) => {
  expect(codeOf(() => resolveSchedule(request(more), NOW))).toBe(code);
});

it('expires after its time, which is after the one that it is scheduled for', () => {
  expect(resolveExpiry(request({}), NOW)).toBeNull();
  expect(resolveExpiry(request({ expires_in_seconds: 2 }), NOW)).toBe(NOW + 2_000);
  const late = { expires_in_seconds: 2, delay_seconds: 2 };
  expect(codeOf(() => resolveExpiry(request(late), NOW))).toBe('conflict');
});
