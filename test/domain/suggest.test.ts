import { expect, it } from 'vitest';
import { suggest } from '../../src/domain/suggest.ts';

const known = ['sum', 'weather', 'data_processing'];

it.each([
  ['sumn', 'sum'],
  ['SUM', 'sum'],
  ['wether', 'weather'],
  ['data_procesing', 'data_processing'],
  ['dataprocessing', 'data_processing'],
])('%s was meant as %s', (word, meant) => {
  expect(suggest(word, known)).toContain(`did you mean \`${meant}\`?`);
});

it.each(['nonsense', '__proto__', '', 'x'.repeat(100_000)])('guesses nothing for %.20s', (word) => {
  expect(suggest(word, ['weather', 'data_processing'])).toBe(
    '. The types: weather, data_processing',
  );
});
