import { reset } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { findMigrationProblem, splitMigration } from './split-migration.ts';

const files = env.TEST_MIGRATION_FILES;

interface Entry {
  type: string;
  name: string;
  sql: string;
}
const readSchema = async (): Promise<Entry[]> => {
  const sql = `SELECT type, name, sql FROM sqlite_master
WHERE sql IS NOT NULL AND name NOT LIKE 'd1_%' AND name NOT LIKE '_cf_%' AND name NOT LIKE 'sqlite_%'
ORDER BY name`;
  return (await env.DB.prepare(sql).all<Entry>()).results;
};

it.each(Object.keys(files))('%s passes the server’s splitter', (file) => {
  expect(findMigrationProblem(files[file] ?? '')).toBeNull();
});

it('makes the same tables when the server cuts the files', async () => {
  const migrated = await readSchema();
  expect(migrated.some(({ type }) => type === 'trigger')).toBe(true);
  await reset();
  for (const file of Object.keys(files).toSorted())
    for (const statement of splitMigration(files[file] ?? ''))
      await env.DB.prepare(statement).run();
  expect(await readSchema()).toEqual(migrated);
});

const TRIGGER =
  'CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET b = 1; UPDATE a SET b = 2; END;';
it.each([
  [TRIGGER, null],
  ['CREATE TABLE a (\n\tb integer\n);\n--> statement-breakpoint\nCREATE INDEX i ON a (b);', null],
  [TRIGGER.replace('BEGIN', '\nBEGIN'), 'more than one line'],
  [TRIGGER.replaceAll('; ', ';\n'), 'more than one line'],
  [TRIGGER.replace('BEGIN', 'begin').replace('END', 'end'), 'upper case'],
  [TRIGGER.replace('b = 2', 'b = CASE WHEN 1 THEN 2 END'), 'CASE'],
  [`${TRIGGER}\r\n`, 'CR LF'],
])('tells of %j', (sql, problem) => {
  const found = findMigrationProblem(sql);
  if (problem === null) expect(found).toBeNull();
  else expect(found).toContain(problem);
});
