/** A line of a text: where it ends, its end included, in bytes of UTF-8. */
interface Line {
  end: number;
  isBlank: boolean;
}

const CR = 0x0d;
const LF = 0x0a;
/** Blanks of any script, line ends aside. */
const isSpace = (unit: number): boolean =>
  unit === 0x20 || unit === 0x09 || (unit > 0x7f && /\s/.test(String.fromCharCode(unit)));

/** Bytes of one UTF-16 unit in UTF-8; each half of a pair has two of its four. */
const countBytes = (unit: number): number =>
  unit < 0x80 ? 1 : unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 2 : 3;

/**
 * Counts the lines of a text that a parser reads record by record: a CR, an LF and both together end
 * one, within quotes too.
 */
export const createLineCounter = () => {
  let lines: Line[] = [];
  let next = 0;
  let passed = 0;
  let bytes = 0;
  let isBlank = true;

  return {
    /** Text that comes next; it does not end between a CR and its LF. */
    add(text: string): void {
      for (let i = 0; i < text.length; i += 1) {
        const unit = text.charCodeAt(i);
        bytes += countBytes(unit);
        if (unit === CR && text.charCodeAt(i + 1) === LF) continue;
        if (unit !== CR && unit !== LF) {
          if (isBlank && !isSpace(unit)) isBlank = false;
          continue;
        }
        lines.push({ end: bytes, isBlank });
        isBlank = true;
      }
    },

    /**
     * Passes on to where a record ends. `line`: the one on which it begins, blank ones before it
     * aside; `isBlank`: there is nothing but blank ones.
     */
    passTo(end: number): { line: number; isBlank: boolean } {
      let line: number | null = null;
      while (next < lines.length && (lines[next]?.end ?? 0) <= end) {
        passed += 1;
        if (!lines[next]?.isBlank) line ??= passed;
        next += 1;
      }
      // The last line of a file may have no end.
      if (end > (lines[next - 1]?.end ?? 0) && !isBlank) line ??= passed + 1;
      if (next > 1_000) {
        lines = lines.slice(next - 1);
        next = 1;
      }
      return { line: line ?? passed, isBlank: line === null };
    },
  };
};
