import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  parseExportLine,
  readExportHead,
  splitLine,
  toExportHead,
} from '../../src/domain/export-line.ts';
import type { Task } from '../../src/domain/task.ts';
import { aTask } from '../support/rows.ts';

const encoder = new TextEncoder();
const sizeOf = (text: string): number => encoder.encode(text).byteLength;
const toLine = (task: Task): string => {
  const bytes = {
    params: sizeOf(task.params),
    result: task.result === null ? null : sizeOf(task.result),
  };
  const [head, between, end] = splitLine(toExportHead(task, bytes));
  return head + task.params + between + (task.result ?? 'null') + end;
};
const readBack = (line: string): Partial<Task> => {
  const { head, params, result } = parseExportLine(encoder.encode(line.slice(0, -1)));
  const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return {
    ...readExportHead(head),
    params: decode(params),
    result: result && decode(result),
  };
};
const withoutNulls = (row: Partial<Task>) =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));

const textOrNull = fc.option(fc.string({ unit: 'binary' }).map((text) => text.toWellFormed()));
const time = fc.option(fc.integer({ min: 0, max: 4e12 }));
const json = fc.json({ maxDepth: 3 });
const tasks = fc
  .record({
    title: textOrNull,
    description: textOrNull,
    status: fc.constantFrom<Task['status']>('COMPLETED', 'FAILED', 'CANCELLED', 'PENDING'),
    params: json,
    result: fc.option(json),
    scheduled_at: time,
    started_at: time,
    completed_at: time,
    expires_at: time,
    attempt: fc.nat(50),
    max_attempts: fc.integer({ min: 1, max: 50 }),
    attempt_budget: fc.integer({ min: 1, max: 50 }),
    snoozes: fc.nat(3),
    rescues: fc.nat(3),
    limit_key: fc.option(fc.constantFrom('a', 'b')),
    sub_key: fc.constantFrom('', 'tenant'),
    parent_id: fc.option(fc.uuid()),
    idempotency_key: fc.option(
      fc.constantFrom(
        'mine',
        `schedule:${'0'.repeat(8)}-0000-7000-8000-000000000000:1700000000000`,
      ),
    ),
    checkpoint: fc.option(json),
    identifiers: fc.option(fc.constant('["A-1"]')),
    template: fc.option(json),
    tags: fc.array(fc.string()).map((each) => JSON.stringify(each)),
    progress: fc.option(fc.constant('{"fraction":0.5,"note":null}')),
    attempts: fc
      .array(
        fc.record({
          attempt: fc.nat(9),
          started_at: time,
          ended_at: fc.integer({ min: 0, max: 4e12 }),
          outcome: fc.constantFrom('completed', 'failed'),
          error: fc.option(fc.record({ code: fc.string(), message: fc.string() })),
        }),
      )
      .map((each) => JSON.stringify(each)),
  })
  .map((columns): Task => ({ ...aTask(), ...columns }));

it('has all of a row, and its texts as they are', () => {
  fc.assert(
    fc.property(tasks, (task) => {
      const line = toLine(task);
      expect(line.indexOf('\n')).toBe(line.length - 1);
      expect(JSON.parse(line)).toMatchObject({ task_id: task.id, status: task.status });
      expect(withoutNulls(readBack(line))).toEqual(withoutNulls(task));
    }),
  );
});

it('keeps numbers that JavaScript has none for', () => {
  const task = { ...aTask(), params: '{"n":12345678901234567890,"x":1.0}', result: ' [1e2] ' };
  expect(readBack(toLine(task))).toMatchObject({ params: task.params, result: task.result });
});

it.each([
  ['text', (line: string) => `x${line}`],
  ['a cut line', (line: string) => line.slice(0, -9)],
  ['other sizes', (line: string) => line.replace('"params":1', '"params":2')],
  ['a line of something else', () => '{"a":1}'],
  ['nothing', () => ''],
])('refuses %s', (_, spoil) => {
  const line = toLine({ ...aTask({ params: { a: 1, text: 'a' } }), result: '1' });
  expect(() => parseExportLine(encoder.encode(spoil(line)))).toThrow(TypeError);
});
