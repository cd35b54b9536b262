import * as z from 'zod';
import { GiveUp, RetryLater } from '../domain/errors.ts';
import { FILE_NAME } from '../domain/file-name.ts';
import { toHex } from '../domain/hash.ts';
import { FORMATS, linesOf, rowsOf, type Format, type Malformed } from './files/read.ts';
import { createSummary } from './files/summary.ts';
import { CONTENT_TYPES, written } from './files/write.ts';
import { defineHandler, type Files } from './handler.ts';

/** Malformed rows that are named; the rest is counted. */
const MAX_NAMED = 100;
const PROGRESS_EVERY = 20_000;

const EXTENSIONS = new Map<string, Format>([
  ['csv', 'csv'],
  ['json', 'json'],
  ['ndjson', 'ndjson'],
  ['jsonl', 'ndjson'],
  ['txt', 'text'],
  ['text', 'text'],
  ['log', 'text'],
  ['md', 'text'],
]);

const params = z
  .strictObject({
    file: z
      .string()
      .regex(FILE_NAME, 'A name under /files: letters, digits, ".", "_" and "-"')
      .optional()
      .meta({ description: 'A name under /files; or give content' }),
    content: z
      .string()
      .max(250_000)
      .optional()
      .meta({ description: 'The text itself, UTF-8; or give file' }),
    format: z.enum(FORMATS).optional().meta({
      description:
        'Needed unless the name ends in .csv, .json, .ndjson, .jsonl, .txt, .text, .log or .md',
    }),
    operation: z.enum(['summarize', 'convert', 'count', 'checksum']),
    to: z
      .enum(['csv', 'json', 'ndjson'])
      .optional()
      .meta({ description: 'For convert, and needed there' }),
  })
  .superRefine(({ file, content, format, operation, to }, context) => {
    const refuse = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    if ((file === undefined) === (content === undefined))
      refuse('file', 'Give either file, a name under /files, or content');
    if (operation === 'convert' && to === undefined)
      refuse('to', 'Say into what to convert: csv, json or ndjson');
    if (operation !== 'convert' && to !== undefined) refuse('to', 'Only "convert" takes it');
    if (operation !== 'checksum' && !formatOf({ file, format }))
      refuse('format', 'The name does not tell the format: give csv, json, ndjson or text');
    if (operation === 'convert' && formatOf({ file, format }) === 'text')
      refuse('format', 'Text has no rows to convert');
  });
type Params = z.output<typeof params>;

/** As given, or as the name's ending says. */
const formatOf = ({
  file,
  format,
}: {
  file?: string | undefined;
  format?: Format | undefined;
}): Format | undefined => format ?? EXTENSIONS.get(file?.split('.').at(-1)?.toLowerCase() ?? '');

/** The input, as often as it is read. */
const opener =
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
const reopened = async (
  open: ReturnType<typeof opener>,
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

/** Lines, words, characters of a text. */
const textSummary = async (lines: AsyncIterable<string>) => {
  const found = { lines: 0, empty_lines: 0, words: 0, characters: 0, longest_line: 0 };
  for await (const line of lines) {
    found.lines += 1;
    if (line.trim() === '') found.empty_lines += 1;
    else found.words += line.trim().split(/\s+/).length;
    found.characters += line.length;
    found.longest_line = Math.max(found.longest_line, line.length);
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
    const open = opener(input, files);
    const { body, bytes, etag } = await open();
    if (operation === 'checksum')
      return { operation, file, bytes, algorithm: 'SHA-256', checksum: await sha256(body, signal) };
    const format = formatOf(input) as Format;
    const head = { operation, file, format, bytes };
    if (format === 'text') {
      const summary = await textSummary(linesOf(body, signal));
      return operation === 'count' ? { ...head, lines: summary.lines } : { ...head, ...summary };
    }
    const isText = format === 'csv';
    const malformed = createMalformed();
    const summary = createSummary({ isText });
    let counted = 0;
    for await (const row of rowsOf(format, body, {
      signal,
      malformed: malformed.add,
      header: summary.header,
    })) {
      counted += 1;
      if (operation !== 'count') summary.add(row);
      // A turn of its own now and then, so that the timeout and a cancel are noticed.
      if (counted % PROGRESS_EVERY === 0)
        await breathe(() => progress(to ? 0.3 : 0.5, `${counted} rows`));
    }
    const found = { ...head, rows: counted, ...malformed.result() };
    if (operation === 'count') return found;
    if (to === undefined) return { ...found, columns: summary.columns() };
    // The second reading: now all columns and their types are known.
    const again = rowsOf(format, await reopened(open, etag), { signal, malformed: () => {} });
    let disarmed = 0;
    const options = { to, types: summary.types(), isText, disarmed: () => void (disarmed += 1) };
    const output = `${file?.replace(/\.[^.]+$/, '').slice(0, 100) ?? 'content'}-${taskId}.${to}`;
    const saved = await files.save(output, written(breathing(again), options), CONTENT_TYPES[to]);
    return {
      ...found,
      to,
      output,
      output_bytes: saved.bytes,
      ...(to === 'csv' && { disarmed_cells: disarmed }),
    };
  },
});

const breathe = async (work: () => void = () => {}): Promise<void> => {
  work();
  await new Promise((resolve) => setTimeout(resolve, 0));
};

/** The same rows, with a turn for others now and then. */
const breathing = async function* <Item>(items: AsyncIterable<Item>): AsyncGenerator<Item> {
  let count = 0;
  for await (const item of items) {
    yield item;
    count += 1;
    if (count % PROGRESS_EVERY === 0) await breathe();
  }
};
