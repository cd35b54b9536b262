/**
 * A migration as production's server cuts it, by public reports of 2024 to 2026: at each `;` that
 * ends a line, also inside the body of a trigger. A trigger on one physical line stays whole.
 * https://github.com/cloudflare/workers-sdk/issues/4998
 */
export const splitMigration = (sql: string): string[] =>
  sql
    .replaceAll(/^-->.*$/gm, '')
    .replaceAll(/-->.*$/gm, '')
    .split(/;[ \t]*(?:\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');

const TRIGGER = /\bCREATE\s+TRIGGER\b/i;

/** Why the server would not take a migration; null where it will. */
export const findMigrationProblem = (sql: string): string | null => {
  if (sql.includes('\r')) return 'a line ends with CR LF';
  for (const statement of splitMigration(sql)) {
    if (!TRIGGER.test(statement)) continue;
    if (statement.includes('\n') || !/\bEND$/i.test(statement))
      return 'a trigger stands on more than one line';
    if (!/\bBEGIN\b.*\bEND$/.test(statement)) return 'BEGIN and END are not in upper case';
    if (/\bCASE\b/i.test(statement.slice(statement.indexOf('BEGIN'))))
      return 'the body of a trigger has a CASE, whose END ends it';
  }
  return null;
};
