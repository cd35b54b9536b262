import { foldText } from './text.ts';

/** Letters whose other forms their own upper case does not tell. */
const OTHER_FORMS: Record<string, readonly string[]> = { ß: ['ẞ'], σ: ['ς', 'Σ'], å: ['\u212b'] };

/** D1 takes expressions that are nested a hundred deep. */
export const MAX_VARIANTS = 80;

const permute = (marks: readonly string[]): string[][] =>
  marks.length <= 1
    ? [[...marks]]
    : marks.flatMap((mark, i) => permute(marks.toSpliced(i, 1)).map((others) => [mark, ...others]));

/** More marks on one letter are taken as they come. */
const MAX_MARKS = 3;

/**
 * A letter as Unicode lets it be written, all of which are the same: composed, decomposed, and
 * composed with some of its marks alone, in any order that does not matter.
 */
const listSpellings = (letter: string): string[] => {
  const composed = letter.normalize('NFC');
  const [base = '', ...marks] = Array.from(letter.normalize('NFD'));
  if (marks.length > MAX_MARKS) return [letter, composed, letter.normalize('NFD')];
  const spellings = permute(marks).flatMap((order) =>
    [0, ...order.keys()].map((count) => {
      const taken = order.slice(0, count);
      return `${[base, ...taken].join('').normalize('NFC')}${order.slice(taken.length).join('')}`;
    }),
  );
  const isSame = (spelling: string): boolean => spelling.normalize('NFC') === composed;
  return [...new Set([letter, composed, letter.normalize('NFD'), ...spellings])].filter(isSame);
};

/**
 * The forms of a word's letters beyond ASCII that a search must replace to find it, each with the
 * letter that it stands for: upper case, decomposed, and as the word itself has it. ASCII letters
 * have been lowered before.
 */
export const findVariants = (word: string): [variant: string, letter: string][] => {
  const variants = new Map<string, string>();
  const add = (variant: string, letter: string): void => {
    const lowered = variant.replace(/[A-Z]/g, (ascii) => ascii.toLowerCase());
    if (lowered !== letter && foldText(lowered) === letter) variants.set(lowered, letter);
  };
  const given = word.normalize('NFC');
  for (const letter of new Set(Array.from(given + foldText(given)))) {
    if (letter <= '\u007f') continue;
    const folded = foldText(letter);
    const forms = [letter, folded, folded.toUpperCase(), ...(OTHER_FORMS[folded] ?? [])];
    for (const form of forms) {
      for (const spelling of listSpellings(form)) add(spelling, folded);
    }
  }
  // The longest first: a letter may be the beginning of another one's decomposed form.
  return [...variants].toSorted(([a], [b]) => b.length - a.length);
};
