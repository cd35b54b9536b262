import * as z from 'zod';
import { FILE_NAME } from '../../domain/file-name.ts';
import { FORMATS, type Format } from './row.ts';

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

export const params = z
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
    if (operation !== 'checksum' && !findFormat({ file, format }))
      refuse('format', 'The name does not tell the format: give csv, json, ndjson or text');
    if (operation === 'convert' && findFormat({ file, format }) === 'text')
      refuse('format', 'Text has no rows to convert');
  });
export type Params = z.output<typeof params>;

/** As given, or as the name's ending says. */
export const findFormat = ({
  file,
  format,
}: {
  file?: string | undefined;
  format?: Format | undefined;
}): Format | undefined => format ?? EXTENSIONS.get(file?.split('.').at(-1)?.toLowerCase() ?? '');
