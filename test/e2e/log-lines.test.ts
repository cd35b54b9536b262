import { expect, it } from 'vitest';
import { formatLogLine } from '../../scripts/log-lines.ts';

const ESCAPE = '\u001b';
const withoutColors = (text: string): string =>
  text
    .split(ESCAPE)
    .map((part, i) => (i === 0 ? part : part.replace(/^\[\d+m/, '')))
    .join('');
const FIXED = { timestamp: '2026-01-01T12:00:00.000Z', level: 'info', app: 'tasker', env: 'x' };
const line = (more: object): string =>
  withoutColors(formatLogLine(JSON.stringify({ ...FIXED, ...more })));

it('writes a log line for people: the clock, what happened, the short id', () => {
  const task_id = '01a21556-be37-70fc-9c7c-b7c8cfda1cf9';
  expect(line({ event: 'task_completed', task_id, task_name: 'sum', duration_ms: 4 })).toMatch(
    /^\d\d:\d\d:\d\d {2}task completed {2}01a21556-be37…1cf9 {2}sum {2}4 ms$/,
  );
});

it('lets no text of a task act on the terminal, and leaves other lines as they are', () => {
  const shown = line({ event: 'x', error: `${ESCAPE}[2Jgone\r` });
  expect([shown.includes(ESCAPE), shown.includes('\r')]).toEqual([false, false]);
  expect(formatLogLine('plain text')).toBe('plain text');
  expect(formatLogLine('{"timestamp" broken')).toBe('{"timestamp" broken');
});
