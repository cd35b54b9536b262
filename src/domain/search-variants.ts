import { foldText } from './text.ts';

/** Letters whose other forms their own upper case does not tell. */
const OTHER_FORMS: Record<string, readonly string[]> = { ß: ['ẞ'], σ: ['ς', 'Σ'], å: ['\u212b'] };

/** D1 takes expressions that are nested a hundred deep. */
export const MAX_VARIANTS = 80;

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
      add(form, folded);
      add(form.normalize('NFD'), folded);
    }
  }
  // The longest first: a letter may be the beginning of another one's decomposed form.
  return [...variants].toSorted(([a], [b]) => b.length - a.length);
};
