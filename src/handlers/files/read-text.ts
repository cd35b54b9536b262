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

/** Lines without their ends, `\n` or `\r\n`; a last empty one is none. */
export const readLines = async function* (
  body: Bytes,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let rest = '';
  for await (const text of readText(body, signal)) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_ROW_BYTES)
      throw new GiveUp(`A line is longer than ${MAX_ROW_BYTES} characters`, 'bad_file');
    for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line;
  }
  if (rest !== '') yield rest;
};
