import { JSONParser } from '@streamparser/json';
import { GiveUp } from '../../domain/errors.ts';
import { measureDepth, MAX_BODY_DEPTH } from '../../domain/json.ts';
import { readLines, readText } from './read-text.ts';
import { MAX_ROW_BYTES, type Bytes, type ReadOptions, type FileRow } from './row.ts';

/** A JSON value as a row; null when it is no object. */
const toRow = (value: unknown): FileRow | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? { names: Object.keys(value), values: Object.values(value) }
    : null;

/** The rows of a file with one JSON object a line. */
export const readNdjsonRows = async function* (
  body: Bytes,
  { signal, onMalformed }: ReadOptions,
): AsyncGenerator<FileRow> {
  let line = 0;
  for await (const text of readLines(body, signal)) {
    line += 1;
    if (text.trim() === '') continue;
    try {
      if (measureDepth(text) > MAX_BODY_DEPTH) throw new SyntaxError('Too deep');
      const row = toRow(JSON.parse(text));
      if (row) yield row;
      else onMalformed({ line, message: 'Not an object' });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof SyntaxError)) throw error;
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
  const parser = new JSONParser({ paths: ['$.*'], keepStack: false });
  parser.onValue = ({ value }) => {
    item += 1;
    charsOfItem = 0;
    const row = toRow(value);
    if (row) rows.push(row);
    else onMalformed({ line: item, message: 'Not an object' });
  };
  try {
    for await (const text of readText(body, signal)) {
      if (begun === '') begun = text.trimStart();
      if (begun !== '' && !begun.startsWith('['))
        throw new GiveUp('The file is JSON, but not a list of objects', 'bad_file');
      charsOfItem += text.length;
      if (charsOfItem > 4 * MAX_ROW_BYTES)
        throw new GiveUp(`Item ${item + 1} is longer than ${MAX_ROW_BYTES} characters`, 'bad_file');
      guard(text);
      if (text !== '' && !parser.isEnded) parser.write(text);
      yield* rows;
      rows = [];
    }
    if (!parser.isEnded) throw new GiveUp('The JSON ends early', 'bad_file');
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof GiveUp) throw error;
    throw new GiveUp(
      `The file is not a JSON list of objects, from item ${item + 1} on`,
      'bad_file',
    );
  }
};
