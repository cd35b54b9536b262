import * as z from 'zod';
import { defineHandler } from './handler.ts';

interface Run {
  letters: string;
  letter: string;
  length: number;
  /** Index of the first letter, counted in graphemes. */
  start: number;
}

const NONE: Run = { letters: '', letter: '', length: 0, start: 0 };
const LETTER = /^\p{L}/u;
// Printable ASCII: every character is a grapheme, and the segmenter, which is some 20 times slower,
// is not needed.
const PLAIN = /^[ -~]*$/;

/**
 * To put marks in their order takes time that grows with their square; no script needs as many
 * (https://www.unicode.org/reports/tr15/#Stream_Safe_Text_Format).
 */
const CROWD = /\p{M}{31}/u;

const splitGraphemes = (text: string): Iterable<string> =>
  PLAIN.test(text)
    ? text
    : Iterator.from(new Intl.Segmenter().segment(text)).map(({ segment }) => segment);

/**
 * The longest run of one letter of any script; the first one on a tie. Composed and decomposed
 * forms are equal.
 */
export const longestRun = (text: string): Run => {
  let best = NONE;
  let run = NONE;
  let index = 0;
  // NFC first, so that `é` written as one code point and as two is the same letter.
  for (const letter of splitGraphemes(text.normalize('NFC'))) {
    if (letter === run.letter) run.length += 1;
    else run = LETTER.test(letter) ? { letters: '', letter, length: 1, start: index } : { ...NONE };
    if (run.length > best.length) best = run;
    index += 1;
  }
  return { ...best, letters: best.letter.repeat(best.length) };
};

export const longestConsecutiveLetters = defineHandler({
  type: 'longest_consecutive_letters',
  aliases: ['find_longest_consecutive_letters'],
  description: 'Finds the longest run of one letter in a text, in any script.',
  lane: 'default',
  params: z.strictObject({
    string: z
      .string()
      .max(100_000)
      .refine((text) => !CROWD.test(text), 'A letter has at most 30 combining marks'),
  }),
  example: { string: 'aaabbccccdd' },
  timeoutMs: 10_000,
  isPure: true,
  reuseSeconds: 86_400,
  run: ({ params }) => longestRun(params.string),
});
