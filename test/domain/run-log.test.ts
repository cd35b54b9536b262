import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  createLogBudget,
  formatLogLine,
  MAX_LOG_BYTES,
  MAX_LOG_LINES,
  toLogLine,
} from '../../src/domain/run-log.ts';

const NOW = Date.UTC(2026, 0, 31);
const encoder = new TextEncoder();
// oxlint-disable-next-line no-control-regex -- what must not be there.
const CONTROLS = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202E]/;

it('whatever is said becomes a bounded line without controls', () => {
  fc.assert(
    fc.property(fc.anything(), fc.anything(), (message, fields) => {
      const line = toLogLine('info', message, fields, NOW);
      const text = JSON.stringify(line);
      expect(encoder.encode(text).byteLength).toBeLessThan(60_000);
      expect(line.message).not.toMatch(CONTROLS);
      expect(formatLogLine(line)).toContain('2026-01-31T00:00:00.000Z INFO');
    }),
  );
  const line = toLogLine('warn', '\u001b[2Jgone\u202e\r\nnext', { a: '\u0007' }, NOW);
  expect(line.message).toBe('[2Jgone\nnext');
  expect(line.fields).toEqual({ a: '' });
});

it('cuts what is large, and says so', () => {
  const line = toLogLine(
    'info',
    'x'.repeat(1e6),
    { big: 'y'.repeat(1e6), more: 'z'.repeat(5_000) },
    0,
  );
  expect(line.message).toHaveLength(8_193);
  expect(JSON.stringify(line.fields).length).toBeLessThan(5_000);
  let deep: unknown = 1;
  for (let i = 0; i < 1_500; i += 1) deep = [deep];
  expect(typeof toLogLine('info', '', { deep }, 0).fields?.['deep']).toBe('string');
  expect(toLogLine('info', { toString: 1 }, null, 0).message).toContain('cannot be shown');
  const circular: Record<string, unknown> = {};
  circular['self'] = circular;
  expect(toLogLine('info', '', { circular, error: new Error('no'), f: () => 1 }, 0).fields).toEqual(
    {
      circular: 'a value that JSON cannot say',
      error: 'no',
      f: 'a function',
    },
  );
});

it('keeps the oldest, 1 000 lines and 64 KB, and nothing after the first that does not fit', () => {
  const many = createLogBudget();
  const short = toLogLine('info', 'x', null, 0);
  expect(Array.from({ length: 2_000 }, () => many.take(short)).filter(Boolean)).toHaveLength(
    MAX_LOG_LINES,
  );
  const large = createLogBudget();
  const long = toLogLine('info', 'x'.repeat(8_000), null, 0);
  const taken = Array.from({ length: 20 }, () => large.take(long)).filter(Boolean);
  expect(taken.length * JSON.stringify(long).length).toBeLessThanOrEqual(MAX_LOG_BYTES);
  expect(taken.length).toBeGreaterThan(5);
  expect(large.take(short)).toBe(false);
});
