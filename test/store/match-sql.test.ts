import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createBinder } from '../../src/store/filter-sql.ts';
import { matchField, matchWord } from '../../src/store/match-sql.ts';

const findsWord = async (title: string, word: string): Promise<boolean> => {
  const { bind, values } = createBinder();
  const condition = matchWord(word, bind);
  const row = `SELECT ${bind(title)} AS title, '' AS description, '' AS id, '[]' AS attempts,
    '[]' AS tags, '{}' AS params, NULL AS result`;
  const sql = `SELECT count(*) AS n FROM (${row}) WHERE ${condition}`;
  return (
    (await env.DB.prepare(sql)
      .bind(...values)
      .first<number>('n')) === 1
  );
};

const findsField = async (json: string, path: string[], value: string): Promise<boolean> => {
  const { bind, values } = createBinder();
  const condition = matchField({ column: 'params', path, value }, bind);
  const sql = `SELECT count(*) AS n FROM (SELECT ${bind(json)} AS params) WHERE ${condition}`;
  return (
    (await env.DB.prepare(sql)
      .bind(...values)
      .first<number>('n')) === 1
  );
};

it.each([
  ['Crème brûlée', 'CRÈME'],
  ['ИЗВЕСТИЯ', 'известия'],
  ["it's", "IT'S"],
  ['Ångström', 'a\u030Angström'],
  ['100 %_', '%_'],
  ['Vi\u00ea\u0323t', 'việt'],
  ['VI\u00ca\u0323T', 'việt'],
  ['a\u0302\u0323', 'ậ'],
  ['가\u11a8', '각'],
  ['o\u0323\u031b', 'ợ'],
])('finds in %j the word %j', async (title, word) => {
  expect(await findsWord(title, word)).toBe(true);
});

it('finds every part of a title, and nothing that is not there', async () => {
  const letter = fc.constantFrom('a', 'B', 'é', 'É', 'ß', 'ñ', '漢', 'я', '%', '_', "'", '"', '\\');
  const text = fc.array(letter, { minLength: 1, maxLength: 6 }).map((letters) => letters.join(''));
  await fc.assert(
    fc.asyncProperty(text, text, text, async (before, word, after) => {
      expect(await findsWord(before + word + after, word)).toBe(true);
      expect(await findsWord(before + after, `${word}~`)).toBe(false);
    }),
    { numRuns: 50 },
  );
});

it.each([
  ['{"a":5}', ['a'], '5.0', true],
  ['{"a":5.0}', ['a'], '5', true],
  ['{"a":"5"}', ['a'], '5', true],
  ['{"a":"5"}', ['a'], '5.0', false],
  ['{"a":[{"b":true}]}', ['a', '0', 'b'], 'true', true],
  ['{"a":{"0":null}}', ['a', '0'], 'null', true],
  ['{"__proto__":"x"}', ['__proto__'], 'x', true],
  ['{"a":9007199254740993}', ['a'], '9007199254740992', false],
] as const)('looks into %s at %j for %s', async (json, path, value, isFound) => {
  expect(await findsField(json, [...path], value)).toBe(isFound);
});

it('does not look into what is very long', async () => {
  const long = JSON.stringify({ a: 5, more: 'x'.repeat(70_000) });
  expect(await findsField(long, ['a'], '5')).toBe(false);
});
