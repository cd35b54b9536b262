/** JSON from a caller may be nested this deep. */
export const MAX_BODY_DEPTH = 64;
/** A result may wrap such JSON; far below the 1000 levels at which SQLite calls it malformed. */
export const MAX_RESULT_DEPTH = 128;

/**
 * Tells of each comma, bracket and brace outside of texts, by its character code; without recursion or
 * parsing. Of text that is not JSON it tells some.
 */
const scanMarks = (text: string, onMark: (char: number) => void): void => {
  let inString = false;
  for (let i = 0; i < text.length; i += 1) {
    const char = text.charCodeAt(i);
    if (inString) {
      if (char === BACKSLASH) i += 1;
      else if (char === QUOTE) inString = false;
    } else if (char === QUOTE) inString = true;
    else if (MARKS.has(char)) onMark(char);
  }
};

/** How deep JSON text is nested; text that is not JSON gives some number. */
export const measureDepth = (text: string): number => {
  let depth = 0;
  let deepest = 0;
  scanMarks(text, (char) => {
    if (char === OPEN_BRACE || char === OPEN_BRACKET) deepest = Math.max(deepest, (depth += 1));
    else if (char !== COMMA) depth -= 1;
  });
  return deepest;
};

/** How many values JSON text has, about: no fewer than there are commas and brackets outside of texts. */
export const countValues = (text: string): number => {
  let values = 1;
  scanMarks(text, (char) => {
    if (char !== CLOSE_BRACE && char !== CLOSE_BRACKET) values += 1;
  });
  return values;
};

const COMMA = 0x2c;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const MARKS = new Set([COMMA, OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET]);

/** The value of a JSON text; undefined when it is none. */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Whether it is a JSON object: neither a list nor null. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
