import { env } from 'cloudflare:workers';
import { drizzle } from 'drizzle-orm/d1';
import { expect, it } from 'vitest';
import { queuesTable } from '../../src/schema/queues.ts';
import { timeDatabase } from '../../src/store/timed-database.ts';

const db = timeDatabase(env.DB);

it('answers as the database does', async () => {
  const statement = db.prepare('SELECT ?1 AS a').bind(7);
  expect((await statement.all()).results).toEqual([{ a: 7 }]);
  expect(await statement.raw()).toEqual([[7]]);
  expect([await statement.first('a'), await statement.first()]).toEqual([7, { a: 7 }]);
  const [one, two] = await db.batch([statement, db.prepare('SELECT 2 AS b')]);
  expect([one?.results, two?.results]).toEqual([[{ a: 7 }], [{ b: 2 }]]);
  await expect(db.prepare('SELECT * FROM no_table').all()).rejects.toThrow(/no such table/);
});

it('serves the query builder', async () => {
  const queues = drizzle(db);
  await queues.insert(queuesTable).values({ name: 'timed', paused_at: 1 });
  expect(await queues.select().from(queuesTable)).toEqual([
    { name: 'timed', paused_at: 1, paused_by: null },
  ]);
  await queues.delete(queuesTable);
});

/** A database that never answers (a stand-in: the real one does). */
const stalled = () => {
  const never = (): Promise<never> => new Promise(() => {});
  const statement = { bind: () => statement, all: never, raw: never, run: never, first: never };
  return { prepare: () => statement, batch: never, exec: never } as unknown as D1Database;
};

it('does not wait for ever: less long for a read than for a write', async () => {
  const timed = timeDatabase(stalled(), { read: 10, write: 40 });
  const read = timed.prepare('/* tasks.insert */ SELECT 1');
  for (const work of [() => read.all(), () => read.raw(), () => read.first(), () => read.run()])
    await expect(work()).rejects.toThrow('No answer within 10 ms');
  for (const sql of [
    'INSERT INTO t VALUES (1)',
    'WITH a AS (SELECT 1) UPDATE t SET b = 1',
    'delete from t',
  ])
    await expect(timed.prepare(sql).bind(1).all()).rejects.toThrow('No answer within 40 ms');
  const write = timed.prepare('DELETE FROM t');
  await expect(timed.batch([read, write])).rejects.toThrow('No answer within 40 ms');
  await expect(timed.batch([read])).rejects.toThrow('No answer within 10 ms');
});

/** A database that another process holds at every first try (a stand-in: test/e2e/access.test.ts holds a real one). */
const lockedOnce = (message: string) => {
  const answerAtSecond = () => {
    let tries = 0;
    return async (): Promise<string> => {
      tries += 1;
      if (tries === 1) throw new Error(message);
      return 'done';
    };
  };
  const prepare = () => {
    const [all, raw, run, first] = Array.from({ length: 4 }, answerAtSecond);
    const statement = { bind: () => statement, all, raw, run, first };
    return statement;
  };
  const [batch, exec] = [answerAtSecond(), answerAtSecond()];
  return timeDatabase({ prepare, batch, exec } as unknown as D1Database);
};

it.each([
  ['SELECT 1', 'database is locked: SQLITE_BUSY', 'done'],
  ['SELECT 1', 'Failed to get session commit token', 'done'],
  ['DELETE FROM t', 'database is locked: SQLITE_BUSY', 'done'],
  ['DELETE FROM t', 'Failed to get session commit token', 'refused'],
])('answers "%s" after "%s", whatever the way: %s', async (sql, message, expected) => {
  const locked = lockedOnce(message);
  const ways = [
    () => locked.prepare(sql).all(),
    () => locked.prepare(sql).bind(1).raw(),
    () => locked.prepare(sql).run(),
    () => locked.prepare(sql).bind(1).first(),
    () => locked.batch([locked.prepare('SELECT 2'), locked.prepare(sql)]),
    () => locked.exec(sql),
  ];
  for (const ask of ways)
    expect(
      await ask().then(
        (answer: unknown) => answer,
        () => 'refused',
      ),
    ).toBe(expected);
});
