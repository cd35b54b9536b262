import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { classifyFailure } from '../../src/store/failure.ts';

it.each([
  ['D1_ERROR: UNIQUE constraint failed: tasks.id: SQLITE_CONSTRAINT', 'constraint'],
  ['D1_ERROR: malformed JSON', 'constraint'],
  ['D1_ERROR: D1 DB is overloaded. Requests queued for too long.', 'refused'],
  ['D1_ERROR: no such table: tasks: SQLITE_ERROR', 'refused'],
  ['D1_ERROR: Too many requests queued.', 'refused'],
  ['D1_ERROR: database is locked: SQLITE_BUSY', 'refused'],
  ["D1_ERROR: Your account has exceeded D1's daily row write limit", 'refused'],
  ['D1_ERROR: Exceeded maximum DB size.', 'full'],
  ["D1_ERROR: Your account has exceeded D1's maximum account storage limit", 'full'],
  ['D1_ERROR: database or disk is full: SQLITE_FULL', 'full'],
  ['D1_ERROR: string or blob too big: SQLITE_TOOBIG', 'constraint'],
  ["D1_TYPE_ERROR: Type 'undefined' not supported for value 'undefined'", 'constraint'],
  ['D1_ERROR: D1 DB exceeded its CPU time limit and was reset.', 'unknown'],
  ['D1_ERROR: D1 DB exceeded its memory limit and was reset.', 'unknown'],
  ['D1_ERROR: D1 DB reset because its code was updated.', 'unknown'],
  ['D1_ERROR: Network connection lost.', 'unknown'],
  ['Internal error while starting up D1 DB storage caused object to be reset', 'unknown'],
] as const)('%s is %s', (message, failure) => {
  expect(classifyFailure(new Error(message))).toBe(failure);
  expect(classifyFailure(new Error('outer', { cause: new Error(message) }))).toBe(failure);
});

it('knows the texts of the real database', async () => {
  const fail = (sql: string) =>
    env.DB.prepare(sql)
      .run()
      .then(() => 'none', classifyFailure);
  expect(await fail("INSERT INTO queues (name, paused_at) VALUES ('x', 'no number')")).toBe(
    'constraint',
  );
  expect(await fail("INSERT INTO queues (name) VALUES ('x')")).toBe('constraint');
  expect(await fail("SELECT json('{')")).toBe('constraint');
  expect(await fail('SELECT * FROM nothing')).toBe('refused');
});
