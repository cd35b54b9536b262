import { expect, it } from 'vitest';
import { countCharacters, foldText, isBlank, orNone } from '../../src/domain/text.ts';

it.each([
  '',
  ' ',
  '\t\r\n',
  '\u00a0',
  '\u1680',
  '\u2003\u2028',
  '\u3000',
  '\u200b\u200d\ufeff',
  '\u2800',
  '\u3164\u115f',
  '\u00ad',
  '\0\u001f',
])('%j is blank', (text) => {
  expect(isBlank(text)).toBe(true);
  expect(orNone(text)).toBeNull();
});

it.each(['0', 'a', ' x ', '漢', '👍', '\u200bx', '-', '\u0301'])('%j says something', (text) => {
  expect(isBlank(text)).toBe(false);
  expect(orNone(text)).toBe(text);
});

it('folds case and composition', () => {
  expect(foldText('U\u0308BUNG')).toBe(foldText('übung'));
  expect(foldText('ΟΔΟΣ')).toBe(foldText('οδος'));
  expect(foldText('ΟΔΟΣ x')).toBe(foldText('οδοσ x'));
});

it('counts code points', () => {
  expect(['', 'abc', '👍', 'e\u0301', '\ud83d', 'a👍b'].map(countCharacters)).toEqual([
    0, 3, 1, 2, 1, 3,
  ]);
});
