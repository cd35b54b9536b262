import { Tokenizer, TokenParser } from '@streamparser/json';
import { GiveUp } from '../../domain/errors.ts';
import { isHeld, parseExactJson, toRawNumber } from '../../domain/exact-json.ts';
import { isObject, measureDepth, MAX_BODY_DEPTH } from '../../domain/json.ts';
import { readLines, readText } from './read-text.ts';
import { MAX_ROW_BYTES, type Bytes, type ReadOptions, type FileRow } from './row.ts';

/** A JSON value as a row; null when it is no object. */
const toRow = (value: unknown): FileRow | null =>
  isObject(value) ? { names: Object.keys(value), values: Object.values(value) } : null;

/** Numbers of a row that no double holds keep their digits; those beyond all bounds end the row. */
const createNumbers = () => {
  let beyond: string | null = null;
  return {
    parse(text: string): unknown {
      if (Number.isFinite(Number(text))) return isHeld(text) ? Number(text) : toRawNumber(text);
      beyond ??= text.slice(0, 30);
      return null;
    },
    /** Why the row that was just read is none, if it is none. */
    takeProblem(): string | null {
      const problem = beyond === null ? null : `${beyond} is beyond what a number can hold`;
      beyond = null;
      return problem;
    },
  };
};

/** The rows of a file with one JSON object a line. */
export const readNdjsonRows = async function* (
  body: Bytes,
  { signal, onMalformed }: ReadOptions,
): AsyncGenerator<FileRow> {
  let line = 0;
  const numbers = createNumbers();
  for await (const text of readLines(body, signal)) {
    line += 1;
    if (text.trim() === '') continue;
    try {
      if (measureDepth(text) > MAX_BODY_DEPTH) throw new SyntaxError('Too deep');
      const row = toRow(parseExactJson(text, numbers.parse));
      const problem = numbers.takeProblem() ?? (row ? null : 'Not an object');
      if (problem !== null) onMalformed({ line, message: problem });
      else if (row) yield row;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof SyntaxError)) throw error;
      numbers.takeProblem();
      onMalformed({ line, message: 'Not JSON, or nested too deep' });
    }
  }
};

/**
 * Follows how deep JSON is nested while its text streams in; throws where a caller's body would be
 * refused too.
 */
const createDepthGuard = () => {
  let depth = 0;
  let inString = false;
  let escaped = false;
  return (text: string): void => {
    for (let i = 0; i < text.length; i += 1) {
      const char = text[i];
      if (escaped) escaped = false;
      else if (inString) {
        if (char === '\\') escaped = true;
        else if (char === '"') inString = false;
      } else if (char === '"') inString = true;
      else if (char === '[' || char === '{') depth += 1;
      else if (char === ']' || char === '}') depth -= 1;
      // The list itself, and what a body may have within.
      if (depth > MAX_BODY_DEPTH + 1)
        throw new GiveUp(`The JSON is nested deeper than ${MAX_BODY_DEPTH} levels`, 'bad_file');
    }
  };
};

/** Parses the items of a list as its text comes in. */
const createParser = (parseNumber: (text: string) => unknown, onItem: (value: unknown) => void) => {
  class ExactTokenizer extends Tokenizer {
    protected override parseNumber(text: string): number {
      return parseNumber(text) as number;
    }
  }
  const tokenizer = new ExactTokenizer();
  const parser = new TokenParser({ paths: ['$.*'], keepStack: false });
  tokenizer.onToken = (token) => parser.write(token);
  tokenizer.onEnd = () => {
    if (!parser.isEnded) parser.end();
  };
  parser.onError = (error) => tokenizer.error(error);
  parser.onEnd = () => {
    if (!tokenizer.isEnded) tokenizer.end();
  };
  parser.onValue = ({ value }) => onItem(value);
  return {
    write: (text: string): void => void (text !== '' && tokenizer.write(text)),
    isEnded: (): boolean => tokenizer.isEnded && parser.isEnded,
  };
};

/** Items of a list, one by one: the whole text as objects would not fit the memory of a Worker. */
export const readJsonRows = async function* (
  body: Bytes,
  { signal, onMalformed }: ReadOptions,
): AsyncGenerator<FileRow> {
  let rows: FileRow[] = [];
  let item = 0;
  let charsOfItem = 0;
  let begun = '';
  const guard = createDepthGuard();
  const numbers = createNumbers();
  const parser = createParser(numbers.parse, (value) => {
    item += 1;
    charsOfItem = 0;
    const row = toRow(value);
    const problem = numbers.takeProblem() ?? (row ? null : 'Not an object');
    if (problem !== null) onMalformed({ line: item, message: problem });
    else if (row) rows.push(row);
  });
  try {
    for await (const text of readText(body, signal)) {
      if (begun === '') begun = text.trimStart();
      if (begun !== '' && !begun.startsWith('['))
        throw new GiveUp('The file is JSON, but not a list of objects', 'bad_file');
      charsOfItem += text.length;
      if (charsOfItem > 4 * MAX_ROW_BYTES)
        throw new GiveUp(`Item ${item + 1} is longer than ${MAX_ROW_BYTES} characters`, 'bad_file');
      guard(text);
      if (!parser.isEnded()) parser.write(text);
      else if (/[^ \t\r\n]/.test(text))
        throw new GiveUp('Something stands behind the end of the list', 'bad_file');
      yield* rows;
      rows = [];
    }
    if (!parser.isEnded()) throw new GiveUp('The JSON ends early', 'bad_file');
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof GiveUp) throw error;
    throw new GiveUp(
      `The file is not a JSON list of objects, from item ${item + 1} on`,
      'bad_file',
    );
  }
};
