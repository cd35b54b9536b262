/** Changes of one letter that turn one word into another (Levenshtein). */
const countChanges = (from: string, to: string): number => {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (const [i, letter] of from.split('').entries()) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j += 1) {
      const same = (row[j] ?? 0) + (letter === to[j] ? 0 : 1);
      next.push(Math.min(same, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
};

/** The longest word for which another one is looked for. */
const MAX_CHARS = 60;

/** The word that was most likely meant; null when none is close. */
export const findSimilar = (word: string, known: readonly string[]): string | null => {
  const lower = word.slice(0, MAX_CHARS).toLowerCase();
  const [best] = known
    .map((each) => ({ each, changes: countChanges(lower, each) }))
    .toSorted((a, b) => a.changes - b.changes);
  const isClose = best && best.changes <= Math.max(2, Math.floor(best.each.length / 3));
  return isClose ? best.each : null;
};

/** The end of a sentence about a word that is unknown: the one that was most likely meant, and all. */
export const suggest = (word: string, known: readonly string[], noun = 'types'): string => {
  const similar = findSimilar(word, known);
  return `${similar === null ? '.' : `; did you mean \`${similar}\`?`} The ${noun}: ${known.join(', ')}`;
};
