import { GiveUp } from '../../domain/errors.ts';
import { MAX_ROW_BYTES, type Bytes } from './row.ts';

/** Text, chunk by chunk; bytes that are not UTF-8 end the task. */
export const readText = async function* (body: Bytes, signal: AbortSignal): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });
  try {
    for await (const chunk of body) {
      signal.throwIfAborted();
      yield decoder.decode(chunk, { stream: true });
    }
    yield decoder.decode();
  } catch (error) {
    throw error instanceof TypeError ? new GiveUp('The file is not UTF-8 text', 'bad_file') : error;
  }
};

/** What ends a line, in any mixture; all readers go by it. */
const LINE_END = /\r\n|\n|\r/;

/** Text in chunks of which none ends between a CR and its LF. */
export const keepPairs = async function* (chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let held = '';
  for await (const chunk of chunks) {
    const text = held + chunk;
    held = text.endsWith('\r') ? '\r' : '';
    const whole = held === '' ? text : text.slice(0, -1);
    if (whole !== '') yield whole;
  }
  if (held !== '') yield held;
};

/** Lines without their ends; a last empty one is none. */
export const readLines = async function* (
  body: Bytes,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let rest = '';
  for await (const text of keepPairs(readText(body, signal))) {
    const lines = (rest + text).split(LINE_END);
    rest = lines.pop() ?? '';
    if (rest.length > MAX_ROW_BYTES)
      throw new GiveUp(`A line is longer than ${MAX_ROW_BYTES} characters`, 'bad_file');
    yield* lines;
  }
  if (rest !== '') yield rest;
};
