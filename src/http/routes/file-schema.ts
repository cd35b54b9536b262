import * as z from 'zod';
import { FILE_NAME } from '../../domain/file-name.ts';
import { digits, nextCursor, time, whole } from '../fields.ts';

export const fileSchema = z
  .strictObject({
    name: z.string(),
    bytes: whole,
    content_type: z.string().nullable(),
    etag: z.string(),
    uploaded_at: time,
  })
  .meta({ id: 'File' });
export const fileListSchema = z.strictObject({
  pagination: z.strictObject({ page_size: whole, next_cursor: nextCursor }),
  files: z.array(fileSchema),
});

/** The cursor is the last name of the page before. */
export const filesQuery = z.strictObject({
  page_size: digits(1, 1_000).default(100),
  cursor: z.string().regex(FILE_NAME, 'Use the next_cursor of the page before').optional(),
});
