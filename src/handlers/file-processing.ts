import { GiveUp, RetryLater } from '../domain/errors.ts';
import { toHex } from '../domain/hash.ts';
import { countCharacters } from '../domain/text.ts';
import { findFormat, params, type Params } from './files/params.ts';
import { readLines } from './files/read-text.ts';
import { readRows } from './files/read.ts';
import type { Format, Malformed } from './files/row.ts';
import { createSummary } from './files/summary.ts';
import { CONTENT_TYPES, writeRows } from './files/write.ts';
import { defineHandler, type Files } from './handler.ts';

/** Malformed rows that are named; the rest is counted. */
const MAX_NAMED = 100;
const PROGRESS_EVERY = 20_000;

/** The input, as often as it is read. */
const createOpener =
  ({ file, content }: Params, files: Files) =>
  async () => {
    if (file === undefined) {
      const bytes = new TextEncoder().encode(content?.toWellFormed());
      return { body: new Blob([bytes]).stream(), bytes: bytes.byteLength, etag: '' };
    }
    const found = await files.open(file);
    if (!found)
      throw new GiveUp(
        `There is no file "${file}": PUT it to /files/${file} first`,
        'file_not_found',
      );
    return found;
  };

/**
 * Opens it the second time; a file that was replaced meanwhile is read anew, by another attempt.
 */
const reopen = async (
  open: ReturnType<typeof createOpener>,
  etag: string,
): Promise<ReadableStream<Uint8Array>> => {
  const again = await open();
  if (again.etag === etag) return again.body;
  await again.body.cancel();
  throw new RetryLater(undefined, 'The file was replaced while it was read', 'file_changed');
};

/**
 * Of the Workers runtime alone:
 * https://developers.cloudflare.com/workers/runtime-apis/web-crypto/#constructors
 */
type DigestStreamClass = new (
  algorithm: string,
) => WritableStream<Uint8Array> & { digest: Promise<ArrayBuffer> };

const sha256 = async (body: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<string> => {
  const { DigestStream } = crypto as unknown as { DigestStream: DigestStreamClass };
  const digest = new DigestStream('SHA-256');
  await body.pipeTo(digest, { signal });
  return toHex(new Uint8Array(await digest.digest));
};

/** Lines, words, characters of a text; characters are code points. */
const summarizeText = async (lines: AsyncIterable<string>) => {
  const found = { lines: 0, empty_lines: 0, words: 0, characters: 0, longest_line: 0 };
  for await (const line of lines) {
    found.lines += 1;
    if (line.trim() === '') found.empty_lines += 1;
    else found.words += line.trim().split(/\s+/).length;
    const characters = countCharacters(line);
    found.characters += characters;
    found.longest_line = Math.max(found.longest_line, characters);
  }
  return found;
};

/** Keeps the first malformed rows, and counts them all. */
const createMalformed = () => {
  const rows: Malformed[] = [];
  let count = 0;
  return {
    add(row: Malformed): void {
      count += 1;
      if (rows.length < MAX_NAMED) rows.push(row);
    },
    result: () => ({ malformed: { count, rows } }),
  };
};

export const fileProcessing = defineHandler({
  type: 'file_processing',
  description: 'Summarizes, converts, counts or checksums a CSV, JSON, NDJSON or text file.',
  lane: 'external',
  params,
  example: { content: 'city,sold\nLisbon,3\nPorto,5\n', format: 'csv', operation: 'summarize' },
  run: async ({ params: input, taskId, files, signal, progress }) => {
    const { file = null, operation, to } = input;
    const open = createOpener(input, files);
    const { body, bytes, etag } = await open();
    if (operation === 'checksum')
      return { operation, file, bytes, algorithm: 'SHA-256', checksum: await sha256(body, signal) };
    const format = findFormat(input) as Format;
    const head = { operation, file, format, bytes };
    if (format === 'text') {
      const summary = await summarizeText(readLines(body, signal));
      return operation === 'count' ? { ...head, lines: summary.lines } : { ...head, ...summary };
    }
    const isText = format === 'csv';
    const malformed = createMalformed();
    const summary = createSummary({ isText });
    let counted = 0;
    let delimiter: string | undefined;
    for await (const row of readRows(format, body, {
      signal,
      onMalformed: malformed.add,
      onHeader: summary.header,
      onDelimiter: (found) => void (delimiter = found),
    })) {
      counted += 1;
      if (operation !== 'count') summary.add(row);
      // A turn of its own now and then, so that the timeout and a cancel are noticed.
      if (counted % PROGRESS_EVERY === 0)
        await yieldTurn(() => progress(to ? 0.3 : 0.5, `${counted} rows`));
    }
    const found = {
      ...head,
      ...(delimiter !== undefined && { delimiter }),
      rows: counted,
      ...malformed.result(),
    };
    if (operation === 'count') return found;
    if (to === undefined) return { ...found, columns: summary.columns() };
    // The second reading: now all columns and their types are known.
    const again = readRows(format, await reopen(open, etag), { signal, onMalformed: () => {} });
    let disarmed = 0;
    const options = { to, types: summary.types(), isText, onDisarmed: () => void (disarmed += 1) };
    const output = `${file?.replace(/\.[^.]+$/, '').slice(0, 100) ?? 'content'}-${taskId}.${to}`;
    const saved = await files.save(
      output,
      writeRows(yieldTurns(again), options),
      CONTENT_TYPES[to],
    );
    return {
      ...found,
      to,
      output,
      output_bytes: saved.bytes,
      ...(to === 'csv' && { disarmed_cells: disarmed }),
    };
  },
});

const yieldTurn = async (work: () => void = () => {}): Promise<void> => {
  work();
  await new Promise((resolve) => setTimeout(resolve, 0));
};

/** The same rows, with a turn for others now and then. */
const yieldTurns = async function* <Item>(items: AsyncIterable<Item>): AsyncGenerator<Item> {
  let count = 0;
  for await (const item of items) {
    yield item;
    count += 1;
    if (count % PROGRESS_EVERY === 0) await yieldTurn();
  }
};
