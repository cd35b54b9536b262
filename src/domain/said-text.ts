import * as z from 'zod';
import { isBlank } from './text.ts';

/** A text of up to `max` characters that shows something. */
export const saidText = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((text) => !isBlank(text), 'This must say something');
