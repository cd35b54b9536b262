/**
 * Characters that show nothing: blanks of every script, controls, and what is ignored when a text
 * is shown (https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point). U+2800 is the
 * empty pattern of braille.
 */
const SHOWS_NOTHING = /[\p{White_Space}\p{Cc}\p{Default_Ignorable_Code_Point}\u2800]/gu;

/** Whether a text says nothing: it is empty, or holds nothing that can be seen. */
export const isBlank = (text: string): boolean => text.replace(SHOWS_NOTHING, '') === '';

/** A title or a description; blank words count as none. */
export const orNone = (text: string | null | undefined): string | null | undefined =>
  typeof text === 'string' && isBlank(text) ? null : text;

/**
 * A text as searches compare it: lower case, composed. Page and service both search by it; the
 * final sigma is a sigma.
 */
export const foldText = (text: string): string =>
  text.normalize('NFC').toLowerCase().replaceAll('ς', 'σ').normalize('NFC');

/** How many characters a reader counts: code points, so that an emoji is one and not two. */
export const countCharacters = (text: string): number => {
  let count = 0;
  for (let i = 0; i < text.length; i += 1) {
    const isPair = isHigh(text.charCodeAt(i)) && isLow(text.charCodeAt(i + 1));
    if (isPair) i += 1;
    count += 1;
  }
  return count;
};

const isHigh = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
const isLow = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;
